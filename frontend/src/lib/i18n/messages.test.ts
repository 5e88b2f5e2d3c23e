import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import en from '../../../messages/en.json';
import ja from '../../../messages/ja.json';

test('every sentence is there in both languages', () => {
	expect(Object.keys(en).sort()).toEqual(Object.keys(ja).sort());
});

test('no sentence is empty', () => {
	expect([...Object.values(ja), ...Object.values(en)].filter((text) => !text)).toEqual([]);
});

test('in Japanese nothing stands between a number and its word, and thousands are separated', () => {
	const number =
		'(?<![\\w.:-])[\\d,]+|\\{(?:\\w*count|days|limit|minutes|number|pages|percent|rounds|seconds)\\}';
	const word = '[ぁ-んァ-ヶ一-龠]';
	const spaced = new RegExp(`(?:${number}) ${word}`);
	const texts = Object.values(ja);
	expect(texts.filter((text) => spaced.test(text))).toEqual([]);
	expect(texts.filter((text) => /(?<!\d)\d{4,}/.test(text))).toEqual([]);
});

test('the page begins with the line that the entrance has', () => {
	const page = readFileSync('src/app.html', 'utf8');
	expect(page).toContain(`<p class="muted" lang="ja">${ja.welcome_line}</p>`);
	expect(page).toContain(`<p class="muted" lang="en">${en.welcome_line}</p>`);
});
