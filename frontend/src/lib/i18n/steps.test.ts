import { expect, test } from 'vitest';
import { overwriteGetLocale } from '$lib/paraglide/runtime';
import { placeName } from './steps';

overwriteGetLocale(() => 'en');

test('a place is called by its round and its step, as far as it has them', () => {
	expect(placeName(2, 'flow')).toBe('Round 2 · Flow');
	expect(placeName(2, null)).toBe('Round 2');
	expect(placeName(undefined, 'flow')).toBe('Flow');
	expect(placeName(null, null)).toBe('');
});
