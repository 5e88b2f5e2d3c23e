import { expect, test } from 'vitest';
import { read } from './token';

const token = (claims: object) =>
	`header.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.signature`;

test('a token says whose it is and how long it lives', () => {
	expect(read(token({ user_id: 'a', iat: 1_000, exp: 1_900 }))).toEqual({
		userId: 'a',
		lifetime: 900_000
	});
});

test('a payload in URL-safe base64 is read', () => {
	const claims = { user_id: 'ÿþ?>~', iat: 0, exp: 60 };
	expect(token(claims)).toMatch(/[-_]/);
	expect(read(token(claims)).lifetime).toBe(60_000);
});
