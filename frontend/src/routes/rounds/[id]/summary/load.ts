import { api, call } from '$lib/api/client';
import { unsent } from '$lib/drafts/of-account.svelte';
import type { Diff } from '$lib/api/types';
import { loadRound, type RoundData } from '../load';

export interface SummaryData extends RoundData {
	/** From the round before. */
	diff: Diff | null;
}

export async function loadSummary(id: string): Promise<SummaryData> {
	// What was typed just before belongs to it.
	await unsent();
	const data = await loadRound(id);
	if (!data.previous) return { ...data, diff: null };
	const params = { path: { id }, query: { with: data.previous.id } };
	const diff = await call(api.GET('/rounds/{id}/diff/', { params }));
	return { ...data, diff };
}
