import { expect, test } from 'vitest';
import { overwriteGetLocale } from '$lib/paraglide/runtime';
import { ignored } from './ignored';

const link = { kind: 'link', file: 'A/b.md', line: 7, text: '[[c]]' } as const;

test('it works', () => {
	overwriteGetLocale(() => 'en');
	expect(ignored(link)).toBe('A/b.md, line 7: no note is called that in “[[c]]”');
	expect(ignored({ kind: 'note', file: 'x.md', line: null, text: '' })).toBe(
		'x.md: the note is in no project’s folder'
	);
	expect(ignored({ kind: 'more', file: '', line: null, text: '3' })).toBe('and 3 more');
});

test('in Japanese too', () => {
	overwriteGetLocale(() => 'ja');
	expect(ignored(link)).toBe('A/b.md の7行目: リンク先のノートがありません「[[c]]」');
	expect(ignored({ ...link, kind: 'edge', text: 'a → b' })).toContain('「a → b」');
});
