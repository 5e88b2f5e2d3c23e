import { expect, test } from 'vitest';
import type { Item } from '$lib/steps/content';
import type { Run } from '$lib/api/types';
import { isChanged, markItems, markText, tally, total } from './changes';

const item = (id: string, text: string, origin: string | null = null, struck = false): Item => ({
	id,
	text,
	origin,
	struck
});
const run = (op: Run['op'], text: string): Run => ({ op, text });

test('texts are kept, changed, added and dropped', () => {
	const before = { theme: 'a', purpose: 'b', pain: '', constraints: 'd', success: '' };
	const after = { theme: 'a', purpose: 'B', pain: 'c', constraints: ' ', success: '' };
	expect(tally('overview', before, after)).toEqual({ kept: 1, changed: 1, added: 1, dropped: 1 });
});

test('items are followed by their origins, wherever they went', () => {
	const before = {
		must: [item('1', 'a'), item('2', 'b'), item('3', 'c')],
		optional: [],
		later: []
	};
	const after = {
		must: [item('4', 'B', '2')],
		optional: [item('5', 'a', '1')],
		later: [item('6', 'new')]
	};
	expect(tally('mvp', before, after)).toEqual({ kept: 0, changed: 2, added: 1, dropped: 1 });
});

test('what has another place is changed, and no more of the rest than have moved', () => {
	const letters = ['a', 'b', 'c', 'd', 'e'];
	const before = { items: letters.map((text) => item(text, text)) };
	const after = { items: ['b', 'c', 'e', 'd', 'a'].map((text) => item(`${text}2`, text, text)) };
	expect(tally('flow', before, after)).toEqual({ kept: 3, changed: 2, added: 0, dropped: 0 });
	expect(markItems('flow', before, after).get('a2')).toBe('changed');
	expect(markItems('flow', before, after).get('b2')).toBe('kept');
});

test('what is struck out is dropped once, and what is taken up again is new', () => {
	const before = {
		items: [item('1', 'a'), item('2', 'b', null, true), item('3', 'c', null, true)]
	};
	const after = {
		items: [
			item('4', 'a', '1', true),
			item('5', 'b', '2', true),
			item('6', 'c', '3'),
			item('7', ' ')
		]
	};
	expect(tally('flow', before, after)).toEqual({ kept: 0, changed: 0, added: 1, dropped: 1 });
});

test('an item is marked as it is counted', () => {
	const mark = (now: Item, before?: Item) =>
		markItems('flow', { items: before ? [before] : [] }, { items: [now] }).get(now.id);
	const [needed, not] = [item('1', 'a'), item('1', 'a', null, true)];
	expect(mark(item('2', 'a', '1'), needed)).toBe('kept');
	expect(mark(item('2', 'b', '1'), needed)).toBe('changed');
	expect(mark(item('2', 'a', '1', true), needed)).toBe('dropped');
	expect(mark(item('2', 'a', '1', true), not)).toBeNull();
	expect(mark(item('2', 'a', '1'), not)).toBe('added');
	expect(mark(item('2', 'a'))).toBe('added');
	expect(mark(item('2', 'a', null, true))).toBeNull();
});

test('space around a text is no change', () => {
	expect(markText('a', 'a\n')).toBe('kept');
});

test('a sum of nothing is nothing', () => {
	expect(total([])).toEqual({ kept: 0, changed: 0, added: 0, dropped: 0 });
});

test('a step is changed by a word, a move or a stroke', () => {
	const fields = [
		{ field: 'items', before: 'a', after: 'a', runs: [run('equal', 'a')], lines: [] }
	];
	const step = { type: 'flow', fields, moves: [], struck: [] } as const;
	expect(isChanged({ ...step, moves: [], struck: [], fields })).toBe(false);
	expect(
		isChanged({ ...step, fields, moves: [], struck: [{ text: 'a', field: 'items', struck: true }] })
	).toBe(true);
	expect(
		isChanged({ ...step, moves: [], struck: [], fields: [{ ...fields[0]!, after: 'b' }] })
	).toBe(true);
});
