import { expect, test } from 'vitest';
import { hasAll, same } from './same';

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

const base = { theme: '', pain: '', list: ['a'] };

test.each([
	['another field was changed as well', { theme: 'x', pain: 'y', list: ['a'] }, { theme: 'x' }],
	['nothing of mine was changed', { theme: 'x', pain: '', list: ['b'] }, {}],
	['the same list came to both', { theme: '', pain: 'y', list: ['b'] }, { list: ['b'] }]
])('theirs has all: %s', (_case, theirs, mine) => {
	expect(hasAll(theirs, { ...base, ...mine }, base)).toBe(true);
});

test.each([
	['a text of mine is not there', { theme: 'y', pain: '', list: ['a'] }, { theme: 'x' }],
	['what I emptied is there', { theme: '', pain: '', list: ['a'] }, { list: [] }],
	['two lists differ', { theme: '', pain: '', list: ['a', 'b'] }, { list: ['a', 'c'] }]
])('theirs lacks something: %s', (_case, theirs, mine) => {
	expect(hasAll(theirs, { ...base, ...mine }, base)).toBe(false);
});

test('of what was there before nothing is known', () => {
	expect(hasAll({ theme: 'x', pain: 'y' }, { theme: 'x', pain: '' }, undefined)).toBe(false);
});
