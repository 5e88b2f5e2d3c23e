import { api, call } from '$lib/api/client';
import type { components } from '$lib/api/schema';
import type { Node, StepType } from '$lib/api/types';
import { STEPS } from '$lib/steps/content';

type Schemas = components['schemas'];

/** A round as a ring: which of its steps are filled. */
export interface RoundRing {
	id: string;
	number: number;
	filled: StepType[];
}

export interface ProjectData {
	project: Schemas['Project'];
	rounds: RoundRing[];
	nodes: Node[];
}

const SOME_NODES = 12;

export async function loadProject(id: string): Promise<ProjectData> {
	const params = { path: { id } };
	const [project, rounds, nodes] = await Promise.all([
		call(api.GET('/projects/{id}/', { params })),
		call(api.GET('/projects/{id}/rounds/', { params })),
		call(api.GET('/nodes/', { params: { query: { project: id, page_size: SOME_NODES } } }))
	]);
	return {
		project,
		rounds: await Promise.all(rounds.results.map(ring)),
		nodes: nodes.results
	};
}

async function ring({ id, number, steps_filled }: Schemas['Round']): Promise<RoundRing> {
	if (steps_filled === 0) return { id, number, filled: [] };
	if (steps_filled === STEPS.length) return { id, number, filled: [...STEPS] };
	const steps = await call(api.GET('/rounds/{id}/steps/', { params: { path: { id } } }));
	return {
		id,
		number,
		filled: steps.results.filter(({ filled }) => filled).map(({ type }) => type)
	};
}
