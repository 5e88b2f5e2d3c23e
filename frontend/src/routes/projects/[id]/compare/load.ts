import { api, call } from '$lib/api/client';
import type { components } from '$lib/api/schema';
import { unsent } from '$lib/drafts/account.svelte';

type Schemas = components['schemas'];

export interface Rounds {
	project: Schemas['Project'];
	/** By their number. */
	rounds: Schemas['Round'][];
}

export async function loadRounds(id: string): Promise<Rounds> {
	// What was typed just before belongs to it.
	await unsent();
	const params = { path: { id } };
	const [project, rounds] = await Promise.all([
		call(api.GET('/projects/{id}/', { params })),
		call(api.GET('/projects/{id}/rounds/', { params }))
	]);
	return { project, rounds: rounds.results };
}
