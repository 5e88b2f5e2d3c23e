import { api, call } from '$lib/api/client';
import type { Node, Project, Round } from '$lib/api/types';
import type { RoundShape } from '$lib/ring/round';
import { roundsOf, stepsOf } from '$lib/rounds/fetch';
import { STEPS } from '$lib/steps/content';

/** A round as a ring: which of its steps are filled. */
type RoundRing = RoundShape & { id: string };

export interface ProjectData {
	project: Project;
	rounds: RoundRing[];
	nodes: Node[];
}

const SOME_NODES = 12;

export async function loadProject(id: string): Promise<ProjectData> {
	const [project, rounds, nodes] = await Promise.all([
		call(api.GET('/projects/{id}/', { params: { path: { id } } })),
		roundsOf(id),
		call(api.GET('/nodes/', { params: { query: { project: id, page_size: SOME_NODES } } }))
	]);
	return {
		project,
		rounds: await Promise.all(rounds.map(ring)),
		nodes: nodes.results
	};
}

async function ring({ id, number, steps_filled }: Round): Promise<RoundRing> {
	if (steps_filled === 0) return { id, number, filled: [] };
	if (steps_filled === STEPS.length) return { id, number, filled: STEPS };
	const steps = await stepsOf(id);
	return { id, number, filled: steps.filter(({ filled }) => filled).map(({ type }) => type) };
}
