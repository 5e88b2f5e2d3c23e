import { expect, test } from 'vitest';
import en from '../../../messages/en.json';
import ja from '../../../messages/ja.json';

test('every sentence is there in both languages', () => {
	expect(Object.keys(en).sort()).toEqual(Object.keys(ja).sort());
});

test('no sentence is empty', () => {
	expect([...Object.values(ja), ...Object.values(en)].filter((text) => !text)).toEqual([]);
});
