import type { components } from '$lib/api/schema';
import type { StepType } from '$lib/api/types';
import {
	isTextStep,
	LISTS,
	TEXTS,
	type Content,
	type Item,
	type Lists,
	type Texts
} from '$lib/steps/content';

type Schemas = components['schemas'];
export type Run = Schemas['Run'];
export type Diff = Schemas['Diff'];
export type StepDiff = Schemas['StepDiff'];
export type Line = Schemas['Line'];

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
	const old = new Map(itemsOf(type, before).map((item) => [item.id, item]));
	for (const item of itemsOf(type, after)) {
		const mark = markItem(item, old.get(item.origin ?? ''));
		old.delete(item.origin ?? '');
		if (mark) sum[mark]++;
	}
	sum.dropped += [...old.values()].filter(({ struck }) => !struck).length;
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

/** What became of an item that is there now; nothing of one that was not needed before either. */
export function markItem(item: Item, origin: Item | undefined): Mark | null {
	const wasNeeded = origin && !origin.struck;
	if (item.struck) return wasNeeded ? 'dropped' : null;
	if (!wasNeeded) return 'added';
	return origin.text === item.text ? 'kept' : 'changed';
}

export function itemsOf(type: StepType, content: Content): Item[] {
	if (isTextStep(type)) return [];
	return LISTS[type]
		.flatMap((name) => (content as Lists)[name] ?? [])
		.filter(({ text }) => text.trim() !== '');
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
