import type { StepType } from '$lib/api/types';

export interface Item {
	id: string;
	text: string;
	/** Struck out as not needed. */
	struck: boolean;
	/** The item of the round before that this one was copied from. */
	origin: string | null;
}

/** In their order; on a ring, directions clockwise from the top. */
export const STEPS: readonly StepType[] = ['overview', 'extract', 'flow', 'mvp', 'expand'];

/** The names of each step's texts or lists, in their order. The server knows the same. */
export const TEXTS = {
	overview: ['theme', 'purpose', 'pain', 'constraints', 'success'],
	expand: ['ideas', 'improvements', 'automation']
} as const;

export const LISTS = {
	extract: ['ui', 'operation', 'data', 'judgement', 'flow', 'other'],
	flow: ['items'],
	mvp: ['must', 'optional', 'later']
} as const;

export type TextStep = keyof typeof TEXTS;
export type ListStep = keyof typeof LISTS;

/** A step's content: named texts, or named lists of items. */
export type Texts = Record<string, string>;
export type Lists = Record<string, Item[]>;
export type Content = Texts | Lists;

/** In characters as the server counts them, which takes a surrogate pair for one. */
export const TEXT_LENGTH = 20_000;
export const ITEM_LENGTH = 2_000;
export const MOST_ITEMS = 500;

export function isTextStep(type: StepType): type is TextStep {
	return type in TEXTS;
}

export function newItem(text = ''): Item {
	return { id: crypto.randomUUID(), text, struck: false, origin: null };
}

/** Where an item is. */
export function find(lists: Lists, id: string): { list: string; index: number } | null {
	for (const [list, items] of Object.entries(lists)) {
		const index = items.findIndex((item) => item.id === id);
		if (index >= 0) return { list, index };
	}
	return null;
}

/** Puts an item behind another one, or at the end of its list. */
export function add(lists: Lists, list: string, item: Item, after?: string): Lists {
	const items = lists[list] ?? [];
	const index = items.findIndex(({ id }) => id === after);
	return { ...lists, [list]: insert(items, index < 0 ? items.length : index + 1, item) };
}

/**
 * Writes the first line into an item, and makes an item of each one that follows; what the step
 * has no room for stays with the last.
 */
export function addLines(lists: Lists, list: string, item: Item, lines: string[]): Lists {
	const isNew = find(lists, item.id) === null;
	const room = Math.max(1, MOST_ITEMS - count(lists) + (isNew ? 0 : 1));
	const [first, ...rest] = [...lines.slice(0, room - 1), lines.slice(room - 1).join('\n')].filter(
		(line) => line !== ''
	);
	let after = item.id;
	let written = isNew ? add(lists, list, { ...item, text: first! }) : edit(lists, item.id, first!);
	for (const line of rest) {
		const next = newItem(line);
		written = add(written, list, next, after);
		after = next.id;
	}
	return written;
}

export function edit(lists: Lists, id: string, text: string): Lists {
	return change(lists, id, (item) => ({ ...item, text }));
}

/** Strikes an item out, or takes that back. */
export function strike(lists: Lists, id: string): Lists {
	return change(lists, id, (item) => ({ ...item, struck: !item.struck }));
}

/** Puts an item at a place of the same or another list; the index does not count the item itself. */
export function place(lists: Lists, id: string, list: string, index: number): Lists {
	const from = find(lists, id);
	if (!from || (from.list === list && from.index === index)) return lists;
	const item = lists[from.list]![from.index]!;
	const rest = remove(lists, id);
	return { ...rest, [list]: insert(rest[list] ?? [], index, item) };
}

/** Moves an item by a number of places within its list; beyond its ends nothing happens. */
export function move(lists: Lists, id: string, by: number): Lists {
	const from = find(lists, id);
	if (!from) return lists;
	const target = from.index + by;
	if (target < 0 || target >= lists[from.list]!.length) return lists;
	return place(lists, id, from.list, target);
}

/** Moves an item to the end of another list. */
export function moveTo(lists: Lists, id: string, list: string): Lists {
	if (find(lists, id)?.list === list) return lists;
	return place(lists, id, list, lists[list]?.length ?? 0);
}

export function remove(lists: Lists, id: string): Lists {
	const place = find(lists, id);
	if (!place) return lists;
	return { ...lists, [place.list]: without(lists[place.list]!, id) };
}

export function count(lists: Lists): number {
	return Object.values(lists).reduce((sum, items) => sum + items.length, 0);
}

export function isLonger(text: string, limit: number): boolean {
	return text.length > limit && [...text].length > limit;
}

/** Where the content has a text that is longer than the server takes, and how long it may be. */
export function tooLong(content: Content): { field: string; limit: number }[] {
	return Object.entries<string | Item[]>(content)
		.flatMap(([name, part]) =>
			typeof part === 'string'
				? [{ field: name, text: part, limit: TEXT_LENGTH }]
				: part.map(({ text }, index) => ({
						field: `${name}.${index}.text`,
						text,
						limit: ITEM_LENGTH
					}))
		)
		.filter(({ text, limit }) => isLonger(text, limit))
		.map(({ field, limit }) => ({ field, limit }));
}

/** Whether something is written in it. */
export function isFilled(content: Content): boolean {
	return Object.values(content).some((part: string | Item[]) =>
		typeof part === 'string' ? part.trim() !== '' : part.some((item) => item.text.trim() !== '')
	);
}

/** Whether an item is still as the round before left it. */
export function isCarried(item: Item, before: Lists | null): boolean {
	if (!item.origin || !before) return false;
	const place = find(before, item.origin);
	const origin = place && before[place.list]![place.index]!;
	return origin !== null && origin.text === item.text && origin.struck === item.struck;
}

function change(lists: Lists, id: string, by: (item: Item) => Item): Lists {
	const place = find(lists, id);
	if (!place) return lists;
	const items = lists[place.list]!.map((item) => (item.id === id ? by(item) : item));
	return { ...lists, [place.list]: items };
}

function insert(items: Item[], index: number, item: Item): Item[] {
	return [...items.slice(0, index), item, ...items.slice(index)];
}

function without(items: Item[], id: string): Item[] {
	return items.filter((item) => item.id !== id);
}
