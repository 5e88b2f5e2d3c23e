import { beforeEach, expect, test } from 'vitest';
import type { Word } from '$lib/api/types';
import { ApiError } from '$lib/api/errors';
import type { Node } from '$lib/api/types';
import { Words, type WordsTransport } from './words.svelte';

const word = (word: string): Word => ({ word, context: `${word}が多い。`, score: 1 });

let offered: Word[];
let sent: Parameters<WordsTransport['choose']>[0][];
let answer: () => void;
let look: () => void;
let words: Words;

beforeEach(async () => {
	offered = ['誤差', '負担', '転記'].map(word);
	sent = [];
	answer = look = () => {};
	words = new Words({
		async look() {
			look();
			return offered;
		},
		async choose(chosen) {
			sent.push(chosen);
			answer();
			const done = [...(chosen.accepted ?? []), ...(chosen.refused ?? [])];
			offered = offered.filter(({ word }) => !done.includes(word));
			return (chosen.accepted ?? []).map((title) => ({ title }) as Node);
		}
	});
	await words.look();
});

const left = () => words.offered!.map(({ word }) => word);

test('none are chosen at first', () => {
	expect(left()).toEqual(['誤差', '負担', '転記']);
	expect(words.chosen).toEqual([]);
});

test('some become nodes, and the others stay', async () => {
	words.toggle('負担');
	words.toggle('転記');
	words.toggle('転記');
	expect((await words.accept()).map(({ title }) => title)).toEqual(['負担']);
	expect(sent).toEqual([{ accepted: ['負担'] }]);
	expect(left()).toEqual(['誤差', '転記']);
	expect(words.chosen.length).toBe(0);
});

test('all are chosen with one press, and none with another', async () => {
	words.toggleAll();
	expect(words.all).toBe(true);
	words.toggleAll();
	expect(words.chosen.length).toBe(0);
	words.toggleAll();
	await words.accept();
	expect(left()).toEqual([]);
});

test.each(['accept', 'refuse'] as const)(
	'when the last words are gone, there may be more: %s',
	async (what) => {
		answer = () => offered.push(word('点検'));
		words.toggleAll();
		if (what === 'accept') expect(await words.accept()).toHaveLength(3);
		else expect(await words.refuse(left())).toBe(true);
		expect(left()).toEqual(['点検']);
		expect(words.chosen).toEqual([]);
	}
);

test('whether there are more is not known without an answer', async () => {
	look = () => {
		throw ApiError.offline();
	};
	words.toggleAll();
	expect(await words.accept()).toHaveLength(3);
	expect(words.offered).toBeNull();
	expect(words.problem?.code).toBe('OFFLINE');
});

test('refused words go, and what was chosen stays chosen', async () => {
	words.toggle('誤差');
	expect(await words.refuse(['負担', '転記'])).toBe(true);
	expect(sent).toEqual([{ refused: ['負担', '転記'] }]);
	expect(left()).toEqual(['誤差']);
	expect(words.chosen).toEqual(['誤差']);
});

test('words of a text that has changed are looked for again', async () => {
	words.toggleAll();
	answer = () => {
		offered = [word('誤差'), word('点検')];
		throw new ApiError(422, 'VAL_005', 'Not in the text.');
	};
	expect(await words.accept()).toEqual([]);
	expect(words.changed).toBe(true);
	expect(left()).toEqual(['誤差', '点検']);
	expect(words.chosen).toEqual(['誤差']);
	expect(words.problem).toBeNull();
});

test('without an answer nothing is lost', async () => {
	words.toggle('誤差');
	answer = () => {
		throw ApiError.offline();
	};
	expect(await words.accept()).toEqual([]);
	expect(words.problem?.code).toBe('OFFLINE');
	expect(words.busy).toBe(false);
	expect(left()).toEqual(['誤差', '負担', '転記']);
	expect(words.chosen).toEqual(['誤差']);
});
