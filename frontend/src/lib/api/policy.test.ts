import { expect, test } from 'vitest';
import { allowOrigin, foreignOrigin } from './policy';

const policy = "default-src 'none'; img-src 'self' data:; connect-src 'self'; base-uri 'none'";

test('an API on the page’s own host needs nothing more', () => {
	expect(foreignOrigin('/api/v1')).toBeNull();
	expect(allowOrigin(policy, null)).toBe(policy);
});

test('an API on a host of its own may be called and its images shown', () => {
	expect(allowOrigin(policy, foreignOrigin('https://api.thinkring.example/api/v1'))).toBe(
		"default-src 'none'; img-src 'self' data: https://api.thinkring.example; " +
			"connect-src 'self' https://api.thinkring.example; base-uri 'none'"
	);
});

test('an address that is none is refused, not left out of the policy', () => {
	expect(() => foreignOrigin('api.thinkring.example/api/v1')).toThrow('Invalid URL');
});
