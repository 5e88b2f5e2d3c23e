import { api, call } from '$lib/api/client';
import type { Thing } from '$lib/api/types';
import { pageOf } from '$lib/components/pages';

export const PAGE_SIZE = 50;

export interface Contents {
	things: Thing[];
	count: number;
	page: number;
}

/** A page of what lies in the trash, newest first. */
export async function loadTrash(asked: string): Promise<Contents> {
	const page = pageOf(asked);
	const { results, count } = await call(
		api.GET('/trash/', { params: { query: { page, page_size: PAGE_SIZE } } })
	);
	return { things: results, count, page };
}

const path = ({ id }: Thing) => ({ params: { path: { id } } });

export const restore = (thing: Thing) =>
	thing.kind === 'project'
		? call(api.POST('/projects/{id}/restore/', path(thing)))
		: call(api.POST('/nodes/{id}/restore/', path(thing)));

export const deleteForGood = (thing: Thing) => call(api.DELETE('/trash/{id}/', path(thing)));
