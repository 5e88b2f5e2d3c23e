import { api, call } from '$lib/api/client';
import type { Project, Round } from '$lib/api/types';
import { unsent } from '$lib/drafts/of-account.svelte';
import { roundsOf } from '$lib/rounds/fetch';

export interface Rounds {
	project: Project;
	/** By their number. */
	rounds: Round[];
}

export async function loadRounds(id: string): Promise<Rounds> {
	// What was typed just before belongs to it.
	await unsent();
	const [project, rounds] = await Promise.all([
		call(api.GET('/projects/{id}/', { params: { path: { id } } })),
		roundsOf(id)
	]);
	return { project, rounds };
}
