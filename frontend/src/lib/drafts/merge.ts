import type { Content, Item, Lists, Texts } from '$lib/steps/content';
import { same } from './same';

/** Which side of a conflict counts; `both` keeps the words of each. */
export type Side = 'mine' | 'theirs' | 'both';

/** What a draft may hold: one text, several, or lists of items. */
export type Value = string | Content;

/** An item, and the list that it is in. */
export interface Placed {
	list: string;
	item: Item;
}

/** One thing about which the two sides differ, and what may be chosen. */
export type Difference = {
	/** Unique among the differences of one conflict. */
	key: string;
	/** The text, or the list that the item is in. */
	field: string;
	sides: Side[];
	/** What keeps everything that either side has written. */
	suggested: Side;
} & (
	| { kind: 'text'; mine: string; theirs: string }
	/** A side without the item is null. */
	| { kind: 'item'; mine: Placed | null; theirs: Placed | null }
	/** The order of what both sides have in one list. */
	| { kind: 'order'; mine: string[]; theirs: string[] }
);

export type Choices = Record<string, Side>;

/** These have one line, in which two texts have no place. */
const SINGLE_LINES = ['title', 'category'];

const ONE: readonly Side[] = ['mine', 'theirs'];
const ALL: readonly Side[] = [...ONE, 'both'];

/**
 * Everything about which two values differ. What both began with tells who changed what: where
 * only one side did, that side is suggested, and where both did, both are.
 */
export function differences(base: Value | undefined, mine: Value, theirs: Value): Difference[] {
	return isLists(mine) && isLists(theirs)
		? [
				...itemDifferences(base as Lists | undefined, mine, theirs),
				...orderDifferences(base as Lists | undefined, mine, theirs)
			]
		: textDifferences(base === undefined ? undefined : texts(base), texts(mine), texts(theirs));
}

/** The value that the choices make; what nobody chose about is as suggested. */
export function merge<T extends Value>(
	base: T | undefined,
	mine: T,
	theirs: T,
	choices: Choices
): T {
	const found = differences(base, mine, theirs);
	const side = ({ key, suggested }: Difference) => choices[key] ?? suggested;
	// All of one side is that side to the letter, the order of its items included.
	if (found.length && found.every(({ key }) => choices[key] === 'theirs')) return theirs;
	if (found.length && found.every(({ key }) => choices[key] === 'mine')) return mine;
	if (isLists(mine) && isLists(theirs)) {
		return mergeLists(found, side, mine, theirs) as T;
	}
	const merged = { ...texts(theirs), ...texts(mine) };
	for (const difference of found) {
		if (difference.kind !== 'text') continue;
		const { mine, theirs } = difference;
		merged[difference.field] = { mine, theirs, both: joined(mine, theirs) }[side(difference)];
	}
	return (typeof mine === 'string' ? merged[''] : merged) as T;
}

/** Both texts in one: mine, and after it each line of theirs that is not in it. */
export function joined(mine: string, theirs: string): string {
	if (theirs.includes(mine)) return theirs;
	if (mine.includes(theirs)) return mine;
	const lines = new Set(mine.split('\n'));
	const missing = theirs.split('\n').filter((line) => line.trim() && !lines.has(line));
	return [mine.replace(/\n+$/, ''), ...missing].join('\n');
}

function texts(value: Value): Texts {
	return typeof value === 'string' ? { '': value } : (value as Texts);
}

function isLists(value: Value): value is Lists {
	return typeof value !== 'string' && Object.values(value).some((part) => Array.isArray(part));
}

function textDifferences(base: Texts | undefined, mine: Texts, theirs: Texts): Difference[] {
	return [...new Set([...Object.keys(mine), ...Object.keys(theirs)])].flatMap((field) => {
		const [ours, other] = [mine[field] ?? '', theirs[field] ?? ''];
		if (ours === other) return [];
		const single = SINGLE_LINES.includes(field);
		const before = base?.[field];
		const suggested =
			before === ours || ours === ''
				? 'theirs'
				: before === other || other === '' || single
					? 'mine'
					: 'both';
		return [
			{
				kind: 'text' as const,
				key: field,
				field,
				mine: ours,
				theirs: other,
				sides: single ? [...ONE] : [...ALL],
				suggested
			}
		];
	});
}

function itemDifferences(base: Lists | undefined, mine: Lists, theirs: Lists): Difference[] {
	const [before, ours, others] = [placed(base ?? {}), placed(mine), placed(theirs)];
	return [...new Set([...others.keys(), ...ours.keys()])].flatMap((id) => {
		const [was, one, other] = [
			before.get(id) ?? null,
			ours.get(id) ?? null,
			others.get(id) ?? null
		];
		if (same(one, other)) return [];
		const twoTexts = one && other && one.item.text !== other.item.text;
		const suggested =
			base && same(one, was)
				? 'theirs'
				: base && same(other, was)
					? 'mine'
					: twoTexts
						? 'both'
						: one
							? 'mine'
							: 'theirs';
		return [
			{
				kind: 'item' as const,
				key: id,
				field: (one ?? other)!.list,
				mine: one,
				theirs: other,
				sides: twoTexts ? [...ALL] : [...ONE],
				suggested
			}
		];
	});
}

function orderDifferences(base: Lists | undefined, mine: Lists, theirs: Lists): Difference[] {
	return Object.keys(mine).flatMap((list) => {
		const [ours, others] = [idsOf(mine, list), idsOf(theirs, list)];
		const one = ours.filter((id) => others.includes(id));
		const other = others.filter((id) => ours.includes(id));
		if (same(one, other)) return [];
		const before = idsOf(base ?? {}, list).filter((id) => one.includes(id));
		const text = new Map((mine[list] ?? []).map((item) => [item.id, item.text]));
		return [
			{
				kind: 'order' as const,
				key: `order of ${list}`,
				field: list,
				mine: one.map((id) => text.get(id)!),
				theirs: other.map((id) => text.get(id)!),
				sides: [...ONE],
				// Where only the other side has put things into another order, theirs is the one to follow.
				suggested: same(before, one) ? ('theirs' as const) : ('mine' as const)
			}
		];
	});
}

function placed(lists: Lists): Map<string, Placed> {
	return new Map(
		Object.entries(lists).flatMap(([list, items]) =>
			items.map((item) => [item.id, { list, item }] as const)
		)
	);
}

function mergeLists(
	found: Difference[],
	side: (difference: Difference) => Side,
	mine: Lists,
	theirs: Lists
): Lists {
	const [ours, others] = [placed(mine), placed(theirs)];
	const chosen = new Map([...others, ...ours]);
	const twins = new Map<string, Item>();
	for (const difference of found) {
		if (difference.kind !== 'item') continue;
		const { key, mine, theirs } = difference;
		const choice = side(difference);
		const placed = choice === 'theirs' ? theirs : mine;
		if (placed) chosen.set(key, placed);
		else chosen.delete(key);
		if (choice === 'both' && theirs) {
			twins.set(key, { ...theirs.item, id: crypto.randomUUID() });
		}
	}
	const names = [...new Set([...Object.keys(mine), ...Object.keys(theirs)])];
	return Object.fromEntries(
		names.map((list) => {
			const order = found.find(({ kind, field }) => kind === 'order' && field === list);
			const [frame, other] = order && side(order) === 'theirs' ? [theirs, mine] : [mine, theirs];
			const here = (id: string) => chosen.get(id)?.list === list;
			const ids = interleaved(idsOf(frame, list), idsOf(other, list)).filter(here);
			// What was moved here from a list where neither side has it now.
			for (const [id] of chosen) if (here(id) && !ids.includes(id)) ids.push(id);
			return [
				list,
				ids.flatMap((id) => {
					const twin = twins.get(id);
					return twin ? [chosen.get(id)!.item, twin] : [chosen.get(id)!.item];
				})
			];
		})
	);
}

/** The first order, with what only the second has behind what it stands behind there. */
function interleaved(first: string[], second: string[]): string[] {
	const ids = [...first];
	second.forEach((id, index) => {
		if (ids.includes(id)) return;
		const after = second.slice(0, index).findLast((before) => ids.includes(before));
		ids.splice(after === undefined ? 0 : ids.indexOf(after) + 1, 0, id);
	});
	return ids;
}

const idsOf = (lists: Lists, list: string) => (lists[list] ?? []).map(({ id }) => id);
