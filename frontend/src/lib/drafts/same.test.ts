import { expect, test } from 'vitest';
import { same } from './same';

test('the order of keys does not matter, that of a list does', () => {
	expect(same({ a: 1, b: [{ c: 'x', d: null }] }, { b: [{ d: null, c: 'x' }], a: 1 })).toBe(true);
	expect(same([1, 2], [2, 1])).toBe(false);
});

test.each([
	[{ a: 1 }, { a: 1, b: 2 }],
	[{ a: 1 }, { b: 1 }],
	[{ a: undefined }, { b: undefined }],
	[[], {}],
	[null, {}],
	['1', 1],
	[[1], [1, 2]]
])('%j is not %j', (a, b) => {
	expect(same(a, b)).toBe(false);
	expect(same(b, a)).toBe(false);
});
