import type { Project, Round, Step, StepType } from '$lib/api/types';
import { placeName } from '$lib/i18n/steps';

/** Where a text is written: its page, and what the page is called, as far as that is known. */
export interface Place {
	href: string | null;
	names: string[];
}

/** `find` gives the object of an id, or null; of a step `read` does, when nothing else knows it. */
export async function placeOf(
	kind: string,
	id: string,
	find: (id: string) => Promise<unknown>,
	read: (id: string) => Promise<unknown>
): Promise<Place> {
	if (kind === 'project') return { href: `/projects/${id}`, names: [] };
	if (kind === 'node') return { href: `/nodes/${id}`, names: [] };
	if (kind === 'note') return { href: `/rounds/${id}`, names: await namesOf(id, find) };
	const step = ((await find(id)) ?? (await read(id))) as Step | null;
	if (!step) return { href: null, names: [] };
	const names = await namesOf(step.round, find, step.type);
	return { href: `/rounds/${step.round}?step=${step.type}`, names };
}

/** The project, and the place in it. */
async function namesOf(
	id: string,
	find: (id: string) => Promise<unknown>,
	step?: StepType
): Promise<string[]> {
	const round = (await find(id)) as Round | null;
	const project = round && ((await find(round.project)) as Project | null);
	const place = placeName(round?.number, step);
	return [project?.title ?? '', place].filter((name) => name !== '');
}
