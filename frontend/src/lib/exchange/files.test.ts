import { expect, test } from 'vitest';
import { safeName, sentName, size } from './files';

test('it works', () => {
	expect(sentName('attachment; filename="Stocktaking 2026-07-05.json"')).toBe(
		'Stocktaking 2026-07-05.json'
	);
	expect(size(12_345, 'en')).toBe('12 kB');
	expect(size(2_345_678, 'en')).toBe('2.3 MB');
});

test('a name in any script is read', () => {
	const name = encodeURIComponent('在庫の数え直し 2026-07-05.md');
	expect(sentName(`attachment; filename*=utf-8''${name}`)).toBe('在庫の数え直し 2026-07-05.md');
});

test('a file without a name has one all the same', () => {
	expect(sentName(null)).toBe('thinkRing');
	expect(sentName('attachment')).toBe('thinkRing');
});

test.each([
	['../../etc/passwd', 'etc passwd'],
	['a<b>:c|d?.txt\n', 'a b c d .txt'],
	[' . ', 'thinkRing'],
	['𠮷'.repeat(100), '𠮷'.repeat(80)]
])('%s is a name that every disk takes', (title, name) => {
	expect(safeName(title)).toBe(name);
});
