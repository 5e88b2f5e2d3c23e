import { api, call } from '$lib/api/client';
import type { components } from '$lib/api/schema';
import type { Node, StepType } from '$lib/api/types';
import type { Content } from '$lib/steps/content';

type Schemas = components['schemas'];

export interface RoundData {
	round: Schemas['Round'];
	project: Schemas['Project'];
	steps: Schemas['Step'][];
	/** What the round before left, to tell what was carried over from what is new. */
	before: Partial<Record<StepType, Content>>;
	nodes: Node[];
}

/** Everything a round's page shows. */
export async function loadRound(id: string): Promise<RoundData> {
	const round = await call(api.GET('/rounds/{id}/', { params: { path: { id } } }));
	const [project, steps, before, nodes] = await Promise.all([
		call(api.GET('/projects/{id}/', { params: { path: { id: round.project } } })),
		stepsOf(id),
		round.number > 1 ? contentsBefore(round) : {},
		call(api.GET('/nodes/', { params: { query: { round: id, page_size: 100 } } }))
	]);
	return { round, project, steps, before, nodes: nodes.results };
}

async function stepsOf(round: string): Promise<Schemas['Step'][]> {
	return (await call(api.GET('/rounds/{id}/steps/', { params: { path: { id: round } } }))).results;
}

async function contentsBefore({ project, number }: Schemas['Round']): Promise<RoundData['before']> {
	const { results } = await call(
		api.GET('/projects/{id}/rounds/', { params: { path: { id: project } } })
	);
	const previous = results.find((round) => round.number === number - 1)!;
	const steps = await stepsOf(previous.id);
	return Object.fromEntries(steps.map(({ type, content }) => [type, content]));
}
