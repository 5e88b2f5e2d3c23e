import type { components } from '$lib/api/schema';
import { stepName } from '$lib/i18n/steps';
import { m } from '$lib/paraglide/messages';

type Schemas = components['schemas'];

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
	const step = ((await find(id)) ?? (await read(id))) as Schemas['Step'] | null;
	if (!step) return { href: null, names: [] };
	const names = [...(await namesOf(step.round, find)), stepName(step.type)];
	return { href: `/rounds/${step.round}?step=${step.type}`, names };
}

/** Project and round. */
async function namesOf(id: string, find: (id: string) => Promise<unknown>): Promise<string[]> {
	const round = (await find(id)) as Schemas['Round'] | null;
	if (!round) return [];
	const project = (await find(round.project)) as Schemas['Project'] | null;
	const names = [project?.title, m.round_title({ number: round.number })];
	return names.filter((name) => name !== undefined);
}
