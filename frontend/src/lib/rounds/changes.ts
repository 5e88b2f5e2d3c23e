import type { StepDiff, StepType } from '$lib/api/types';
import {
	isTextStep,
	LISTS,
	TEXTS,
	type Content,
	type Item,
	type Lists,
	type Texts
} from '$lib/steps/content';

/** What became of what the round before left, and how much is new. */
export interface Tally {
	kept: number;
	changed: number;
	added: number;
	dropped: number;
}

export type Mark = keyof Tally;

/** Counts the texts and items of a step; what is struck out is dropped. */
export function tally(type: StepType, before: Content, after: Content): Tally {
	const sum = { kept: 0, changed: 0, added: 0, dropped: 0 };
	if (isTextStep(type)) {
		for (const name of TEXTS[type]) {
			const [old, now] = [textOf(before, name), textOf(after, name)];
			if (old && !now) sum.dropped++;
			else if (now) sum[markText(old, now)]++;
		}
		return sum;
	}
	const now = itemsOf(type, after);
	for (const mark of markItems(type, before, after).values()) if (mark) sum[mark]++;
	const followed = new Set(now.map(({ origin }) => origin));
	sum.dropped += itemsOf(type, before).filter(
		({ id, struck }) => !struck && !followed.has(id)
	).length;
	return sum;
}

export function total(tallies: Tally[]): Tally {
	const sum = (name: keyof Tally) => tallies.reduce((all, one) => all + one[name], 0);
	return {
		kept: sum('kept'),
		changed: sum('changed'),
		added: sum('added'),
		dropped: sum('dropped')
	};
}

/** What became of a text that is there now. */
export function markText(before: string, now: string): Mark {
	if (!before.trim()) return 'added';
	return before.trim() === now.trim() ? 'kept' : 'changed';
}

/** What became of the items that are there now, by their ids; nothing of one that was not needed before either. */
export function markItems(
	type: StepType,
	before: Content,
	after: Content
): Map<string, Mark | null> {
	const old = placesOf(type, before);
	const marks = new Map<string, Mark | null>();
	for (const name of isTextStep(type) ? [] : LISTS[type]) {
		const items = written(after, name).map((item) => ({
			item,
			origin: old.get(item.origin ?? '')
		}));
		const stayed = items.filter(({ origin }) => origin?.list === name);
		const inOrder = longestRise(stayed.map(({ origin }) => origin!.position));
		const still = new Set(inOrder.map((place) => stayed[place]!.item.id));
		for (const { item, origin } of items) {
			const wasNeeded = origin && !origin.item.struck;
			const isKept = wasNeeded && origin.item.text === item.text && still.has(item.id);
			if (item.struck) marks.set(item.id, wasNeeded ? 'dropped' : null);
			else if (!wasNeeded) marks.set(item.id, 'added');
			else marks.set(item.id, isKept ? 'kept' : 'changed');
		}
	}
	return marks;
}

function placesOf(type: StepType, content: Content) {
	const places = new Map<string, { item: Item; list: string; position: number }>();
	for (const list of isTextStep(type) ? [] : LISTS[type]) {
		for (const [position, item] of written(content, list).entries()) {
			places.set(item.id, { item, list, position });
		}
	}
	return places;
}

/** The indexes of a longest part of the numbers that rises: as few as explain the rest have moved. */
function longestRise(numbers: number[]): number[] {
	const ends: number[] = [];
	const before: (number | undefined)[] = [];
	for (const [index, number] of numbers.entries()) {
		const at = ends.findIndex((end) => numbers[end]! >= number);
		const length = at < 0 ? ends.length : at;
		before[index] = ends[length - 1];
		ends[length] = index;
	}
	const rise: number[] = [];
	for (let index = ends.at(-1); index !== undefined; index = before[index]) rise.push(index);
	return rise;
}

export function itemsOf(type: StepType, content: Content): Item[] {
	if (isTextStep(type)) return [];
	return LISTS[type].flatMap((name) => written(content, name));
}

function written(content: Content, list: string): Item[] {
	return ((content as Lists)[list] ?? []).filter(({ text }) => text.trim() !== '');
}

function textOf(content: Content, name: string): string {
	return ((content as Texts)[name] ?? '').trim();
}

/** Whether anything of the step is another. */
export function isChanged({ fields, moves, struck }: StepDiff): boolean {
	return (
		moves.length > 0 || struck.length > 0 || fields.some(({ before, after }) => before !== after)
	);
}
