import { api, call } from '$lib/api/client';
import type { Node, Project, Round, Step, StepType } from '$lib/api/types';
import { roundsOf, stepsOf } from '$lib/rounds/fetch';
import type { Content } from '$lib/steps/content';

export interface RoundData {
	round: Round;
	project: Project;
	steps: Step[];
	/** The round before; the first has none. */
	previous: Round | null;
	/** What that one left, to tell what was carried over from what is new. */
	before: Partial<Record<StepType, Content>>;
	nodes: Node[];
}

/** Everything a round's page shows. */
export async function loadRound(id: string): Promise<RoundData> {
	const round = await call(api.GET('/rounds/{id}/', { params: { path: { id } } }));
	const [project, steps, earlier, nodes] = await Promise.all([
		call(api.GET('/projects/{id}/', { params: { path: { id: round.project } } })),
		stepsOf(id),
		round.number > 1 ? roundBefore(round) : { previous: null, before: {} },
		call(api.GET('/nodes/', { params: { query: { round: id, page_size: 100 } } }))
	]);
	return { round, project, steps, ...earlier, nodes: nodes.results };
}

async function roundBefore({ project, number }: Round) {
	const previous = (await roundsOf(project)).find((round) => round.number === number - 1)!;
	const steps = await stepsOf(previous.id);
	const before = Object.fromEntries(steps.map(({ type, content }) => [type, content]));
	return { previous, before: before as RoundData['before'] };
}
