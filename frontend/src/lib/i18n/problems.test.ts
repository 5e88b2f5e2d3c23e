import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { ApiError } from '$lib/api/errors';
import { overwriteGetLocale } from '$lib/paraglide/runtime';
import { explain } from './problems';

const schema = readFileSync('src/lib/api/schema.yaml', 'utf8');
const codes = [...new Set(schema.match(/\b(AUTH|VAL|REQ|RES|BIZ|SRV)_\d{3}\b/g))];

const error = (code: string, retryAfter: number | null = null) =>
	new ApiError(400, code, 'what the server says', [], null, retryAfter);

afterEach(() => overwriteGetLocale(() => 'ja'));

function explained(code: string, retryAfter: number | null = null) {
	return (['ja', 'en'] as const).map((locale) => {
		overwriteGetLocale(() => locale);
		return explain(error(code, retryAfter));
	});
}

test.each([...codes, 'OFFLINE'])('%s is a sentence in both languages', (code) => {
	const [ja, en] = explained(code);
	expect(ja).toMatch(/。$|^what/);
	expect(en).toMatch(/\.$|^what/);
	expect(code === 'BIZ_001').toBe(ja === en);
});

test('the schema names the codes', () => {
	expect(codes.length).toBeGreaterThan(20);
});

test.each([
	[0.4, '1秒ほど待って', 'in 1 s'],
	[42, '42秒ほど待って', 'in 42 s'],
	[61, '2分ほど待って', 'in 2 min'],
	[null, '少し待って', 'in a little while']
])('after %s seconds means %s', (seconds, inJapanese, inEnglish) => {
	const [ja, en] = explained('SRV_004', seconds);
	expect(ja).toContain(inJapanese);
	expect(en).toContain(inEnglish);
});

test('what is no answer of the API is a problem of the server', () => {
	expect(explain(new Error('bug'))).toBe(explain(error('SRV_001')));
});

test('a wrong code is not a wrong password', () => {
	const details = [{ field: 'code', reason: 'The code is not right.' }];
	const wrongCode = new ApiError(401, 'AUTH_004', 'what the server says', details);
	expect(explain(wrongCode)).not.toBe(explain(error('AUTH_004')));
});
