import { expect, test } from 'vitest';
import { fileName, size } from './files';

const today = new Date(2026, 6, 5);

test('it works', () => {
	expect(fileName('在庫の数え直しを減らす', 'json', today)).toBe(
		'在庫の数え直しを減らす 2026-07-05.json'
	);
	expect(size(12_345, 'en')).toBe('12 kB');
	expect(size(2_345_678, 'en')).toBe('2.3 MB');
});

test.each([
	['../../etc/passwd', 'etc passwd 2026-07-05.md'],
	['a<b>:c|d?.txt\n', 'a b c d .txt 2026-07-05.md'],
	[' . ', 'thinkRing 2026-07-05.md'],
	['𠮷'.repeat(100), `${'𠮷'.repeat(80)} 2026-07-05.md`]
])('%s is a name that every disk takes', (title, name) => {
	expect(fileName(title, 'markdown', today)).toBe(name);
});
