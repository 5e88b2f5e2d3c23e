import { expect, test } from 'vitest';
import { overwriteGetLocale } from '$lib/paraglide/runtime';
import { join, listed } from './sentences';

test('sentences stand apart in English, and close together in Japanese', () => {
	overwriteGetLocale(() => 'en');
	expect(join('One.', 'Two.')).toBe('One. Two.');
	overwriteGetLocale(() => 'ja');
	expect(join('一つ。', '二つ。')).toBe('一つ。二つ。');
});

test('words are listed as the language does', () => {
	overwriteGetLocale(() => 'en');
	expect(listed(['one', 'two', 'three'])).toBe('one, two, and three');
	expect(listed(['one'])).toBe('one');
	overwriteGetLocale(() => 'ja');
	expect(listed(['一', '二', '三'])).toBe('一、二、三');
});
