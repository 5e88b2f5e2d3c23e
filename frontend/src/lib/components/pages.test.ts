import { expect, test } from 'vitest';
import { pageOf } from './pages';

test.each([
	[null, 1],
	['', 1],
	['3', 3],
	['0', 1],
	['-2', 1],
	['2.7', 2],
	['last', 1]
])('%j asks for page %i', (asked, page) => {
	expect(pageOf(asked)).toBe(page);
});
