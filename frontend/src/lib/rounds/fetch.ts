import { api, call } from '$lib/api/client';
import type { Round, Step } from '$lib/api/types';

/** A project's rounds, the first one first. */
export async function roundsOf(project: string): Promise<Round[]> {
	const params = { path: { id: project } };
	return (await call(api.GET('/projects/{id}/rounds/', { params }))).results;
}

/** A round's steps, in their order. */
export async function stepsOf(round: string): Promise<Step[]> {
	const params = { path: { id: round } };
	return (await call(api.GET('/rounds/{id}/steps/', { params }))).results;
}
