import { api, call } from '$lib/api/client';
import type { Graph, Project, Step, StepType } from '$lib/api/types';
import { unsent } from '$lib/drafts/of-account.svelte';
import { tally, total, type Tally } from '$lib/rounds/changes';
import { roundsOf, stepsOf } from '$lib/rounds/fetch';
import type { Content } from '$lib/steps/content';
import { wordsOf } from './words';

/** One round of the way. */
export interface Lap {
	id: string;
	number: number;
	note: string;
	filled: StepType[];
	/** Against the round before; the first has none. */
	tally: Tally | null;
}

export interface SheetData {
	project: Project;
	laps: Lap[];
	/** What the first round and the last one say. */
	first: Record<StepType, Content>;
	last: Record<StepType, Content>;
	/** The words that came back, those that recur most first. */
	words: Graph['nodes'];
}

export async function loadSheet(id: string): Promise<SheetData> {
	// What was typed just before belongs to it.
	await unsent();
	const params = { path: { id } };
	const [project, rounds, graph] = await Promise.all([
		call(api.GET('/projects/{id}/', { params })),
		roundsOf(id),
		call(api.GET('/projects/{id}/graph/', { params }))
	]);
	const contents = await Promise.all(rounds.map(({ id }) => stepsOf(id)));
	const laps = rounds.map(({ id, number, note }, index) => {
		const before = contents[index - 1];
		const now = contents[index]!;
		return {
			id,
			number,
			note,
			filled: now.filter(({ filled }) => filled).map(({ type }) => type),
			tally: before
				? total(now.map(({ type, content }, step) => tally(type, before[step]!.content, content)))
				: null
		};
	});
	const [first, last] = [byType(contents[0]!), byType(contents.at(-1)!)];
	return { project, laps, first, last, words: wordsOf(graph) };
}

function byType(steps: Step[]) {
	const contents: Partial<Record<StepType, Content>> = {};
	for (const { type, content } of steps) contents[type] = content;
	return contents as Record<StepType, Content>;
}
