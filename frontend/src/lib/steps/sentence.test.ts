import { expect, test } from 'vitest';
import { sentenceAround } from './sentence';

const around = (text: string, word: string) => {
	const start = text.indexOf(word);
	return sentenceAround(text, start, start + word.length);
};

test.each([
	['温度を測る。誤差が大きい。作業者の負担になる。', '誤差', '誤差が大きい。'],
	['一行目\n誤差が出る\n三行目', '誤差', '誤差が出る'],
	['The error is 1.5 degrees. It grows.', '1.5', 'The error is 1.5 degrees.'],
	['How large? It grows.', 'grows', 'It grows.'],
	['誤差', '誤差', '誤差'],
	['一つ目。二つ目。', '目。二', '一つ目。二つ目。'],
	['終わり。', '終わり。', '終わり。']
])('%j: %j stands in %j', (text, word, sentence) => {
	expect(around(text, word)).toBe(sentence);
});
