import { api, call } from '$lib/api/client';
import { unsent } from '$lib/drafts/account.svelte';
import type { Diff } from '$lib/rounds/changes';
import { loadRound, type RoundData } from '../load';

export interface SummaryData extends RoundData {
	/** From the round before. */
	diff: Diff | null;
}

export async function loadSummary(id: string): Promise<SummaryData> {
	// What was typed just before belongs to it.
	await unsent();
	const data = await loadRound(id);
	const { project, number } = data.round;
	if (number === 1) return { ...data, diff: null };
	const rounds = await call(
		api.GET('/projects/{id}/rounds/', { params: { path: { id: project } } })
	);
	const previous = rounds.results.find((round) => round.number === number - 1)!.id;
	const diff = await call(
		api.GET('/rounds/{id}/diff/', { params: { path: { id }, query: { with: previous } } })
	);
	return { ...data, diff };
}
