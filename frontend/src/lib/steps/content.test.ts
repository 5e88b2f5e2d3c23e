import { describe, expect, test } from 'vitest';
import {
	add,
	addLines,
	count,
	edit,
	find,
	isCarried,
	isFilled,
	isTextStep,
	ITEM_LENGTH,
	LISTS,
	MOST_ITEMS,
	move,
	moveTo,
	newItem,
	place,
	remove,
	strike,
	TEXT_LENGTH,
	TEXTS,
	tooLong,
	type Item,
	type Lists
} from './content';

const item = (id: string): Item => ({ id, text: `text ${id}`, struck: false, origin: null });

const board: Lists = {
	must: [item('a'), item('b'), item('c')],
	optional: [item('d')],
	later: []
};

const ids = (lists: Lists) =>
	Object.fromEntries(
		Object.entries(lists).map(([name, items]) => [name, items.map(({ id }) => id)])
	);

describe('an item', () => {
	test('is new with an id of its own', () => {
		const first = newItem('言葉');
		expect(first).toEqual({ id: first.id, text: '言葉', struck: false, origin: null });
		expect(first.id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
		expect(newItem().id).not.toBe(first.id);
	});

	test('is found wherever it is', () => {
		expect(find(board, 'c')).toEqual({ list: 'must', index: 2 });
		expect(find(board, 'x')).toBeNull();
	});

	test('is added at the end, or behind another one', () => {
		expect(ids(add(board, 'must', item('x'))).must).toEqual(['a', 'b', 'c', 'x']);
		expect(ids(add(board, 'must', item('x'), 'a')).must).toEqual(['a', 'x', 'b', 'c']);
		expect(ids(add(board, 'later', item('x'))).later).toEqual(['x']);
		expect(ids(add({}, 'items', item('x')))).toEqual({ items: ['x'] });
	});

	test('is edited and keeps where it came from', () => {
		const lists = { items: [{ ...item('a'), origin: 'o' }] };
		expect(edit(lists, 'a', 'new').items).toEqual([{ ...item('a'), origin: 'o', text: 'new' }]);
	});

	test('is struck out and taken back', () => {
		const struck = strike(board, 'b');
		expect(struck.must!.map((each) => each.struck)).toEqual([false, true, false]);
		expect(strike(struck, 'b')).toEqual(board);
	});

	test('moves up and down within its list, and not beyond', () => {
		expect(ids(move(board, 'b', -1)).must).toEqual(['b', 'a', 'c']);
		expect(ids(move(board, 'b', 1)).must).toEqual(['a', 'c', 'b']);
		expect(ids(move(board, 'a', 2)).must).toEqual(['b', 'c', 'a']);
		expect(move(board, 'a', -1)).toBe(board);
		expect(move(board, 'c', 1)).toBe(board);
	});

	test('moves to the end of another column, and back', () => {
		expect(ids(moveTo(board, 'b', 'optional'))).toEqual({
			must: ['a', 'c'],
			optional: ['d', 'b'],
			later: []
		});
		expect(ids(moveTo(board, 'd', 'later')).later).toEqual(['d']);
		expect(moveTo(board, 'a', 'must')).toBe(board);
	});

	test('is put where it is dropped, in its list or in another', () => {
		expect(ids(place(board, 'a', 'must', 2)).must).toEqual(['b', 'c', 'a']);
		expect(ids(place(board, 'c', 'optional', 0))).toEqual({
			must: ['a', 'b'],
			optional: ['c', 'd'],
			later: []
		});
		expect(ids(place(board, 'a', 'later', 0)).later).toEqual(['a']);
		expect(place(board, 'b', 'must', 1)).toBe(board);
	});

	test('is removed', () => {
		expect(ids(remove(board, 'b')).must).toEqual(['a', 'c']);
	});

	test('that is not there changes nothing', () => {
		for (const same of [
			edit(board, 'x', ''),
			strike(board, 'x'),
			move(board, 'x', 1),
			moveTo(board, 'x', 'later'),
			place(board, 'x', 'later', 0),
			remove(board, 'x')
		]) {
			expect(same).toBe(board);
		}
	});

	test('is carried until its text or its strike changes', () => {
		const before = { items: [item('o')] };
		const carried = { ...item('a'), text: 'text o', origin: 'o' };
		expect(isCarried(carried, before)).toBe(true);
		expect(isCarried({ ...carried, text: 'other' }, before)).toBe(false);
		expect(isCarried({ ...carried, struck: true }, before)).toBe(false);
		expect(isCarried({ ...carried, origin: null }, before)).toBe(false);
		expect(isCarried({ ...carried, origin: 'gone' }, before)).toBe(false);
		expect(isCarried(carried, null)).toBe(false);
	});
});

describe('pasted lines', () => {
	const lists: Lists = { must: [item('a'), item('b')], later: [] };
	const texts = (lists: Lists, list: string) => lists[list]!.map(({ text }) => text);

	test('become items from the one they are pasted into on', () => {
		const pasted = addLines(lists, 'must', lists.must![0]!, ['one', 'two', 'three']);
		expect(texts(pasted, 'must')).toEqual(['one', 'two', 'three', 'text b']);
		expect(pasted.must![0]!.id).toBe('a');
	});

	test('begin with the empty line where they are pasted there', () => {
		const blank = newItem();
		const pasted = addLines(lists, 'later', blank, ['one', 'two']);
		expect(texts(pasted, 'later')).toEqual(['one', 'two']);
		expect(pasted.later![0]!.id).toBe(blank.id);
	});

	test('that the step has no room for stay with the last item', () => {
		const full = {
			must: Array.from({ length: MOST_ITEMS - 1 }, (_, i) => item(`${i}`)),
			later: []
		};
		const pasted = addLines(full, 'later', newItem(), ['one', 'two', 'three']);
		expect(count(pasted)).toBe(MOST_ITEMS);
		expect(texts(pasted, 'later')).toEqual(['one\ntwo\nthree']);
	});
});

test('no operation alters what it was given', () => {
	const frozen = structuredClone(board);
	for (const items of Object.values(frozen)) {
		items.forEach(Object.freeze);
		Object.freeze(items);
	}
	Object.freeze(frozen);
	add(frozen, 'must', item('x'), 'a');
	edit(frozen, 'a', 'new');
	strike(frozen, 'a');
	move(frozen, 'a', 1);
	moveTo(frozen, 'a', 'later');
	place(frozen, 'a', 'optional', 1);
	remove(frozen, 'a');
	expect(frozen).toEqual(board);
});

test('items are counted over all lists', () => {
	expect(count(board)).toBe(4);
	expect(count({})).toBe(0);
});

test('blank is not filled', () => {
	expect(isFilled({ theme: '', purpose: ' \n' })).toBe(false);
	expect(isFilled({ theme: '温度' })).toBe(true);
	expect(isFilled({ items: [{ ...item('a'), text: '　' }] })).toBe(false);
	expect(isFilled(board)).toBe(true);
	expect(isFilled({ must: [], optional: [], later: [] })).toBe(false);
});

test('each of the five steps is one of texts or one of lists', () => {
	expect([...Object.keys(TEXTS), ...Object.keys(LISTS)].sort()).toEqual(
		['expand', 'extract', 'flow', 'mvp', 'overview'].sort()
	);
	expect(isTextStep('overview')).toBe(true);
	expect(isTextStep('mvp')).toBe(false);
});

describe('a text', () => {
	const long = 'あ'.repeat(TEXT_LENGTH + 1);

	test('is too long one character over the limit', () => {
		expect(tooLong({ theme: long.slice(1), purpose: long })).toEqual([
			{ field: 'purpose', limit: TEXT_LENGTH }
		]);
	});

	test('of an item has its own limit', () => {
		const lists = { must: [item('a'), { ...item('b'), text: long.slice(0, ITEM_LENGTH + 1) }] };
		expect(tooLong(lists)).toEqual([{ field: 'must.1.text', limit: ITEM_LENGTH }]);
	});

	test('is counted in characters, not in halves of them', () => {
		expect(tooLong({ theme: '🍙'.repeat(TEXT_LENGTH) })).toEqual([]);
	});
});
