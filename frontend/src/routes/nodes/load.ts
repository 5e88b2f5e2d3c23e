import { api, call } from '$lib/api/client';
import type { Node, Project } from '$lib/api/types';
import { pageOf } from '$lib/components/pages';
import { isTooLong } from '$lib/search/typing';

export const PAGE_SIZE = 30;

export interface NodesData {
	nodes: Node[];
	count: number;
	page: number;
	q: string;
	/** Only this project's, only those without a project, or all. */
	project: Project | null;
	global: boolean;
}

/** The list as the address asks for it: `project` or `scope=global`, `q`, `page`. */
export async function loadNodes(query: string): Promise<NodesData> {
	const asked = new URLSearchParams(query);
	const id = asked.get('project') ?? undefined;
	const global = asked.get('scope') === 'global';
	const q = asked.get('q') ?? '';
	const page = pageOf(asked.get('page'));
	const [{ results, count }, project] = await Promise.all([
		isTooLong(q)
			? { results: [], count: 0 }
			: call(
					api.GET('/nodes/', {
						params: {
							query: {
								project: id,
								scope: global ? 'global' : undefined,
								q: q || undefined,
								page,
								page_size: PAGE_SIZE
							}
						}
					})
				),
		id ? call(api.GET('/projects/{id}/', { params: { path: { id } } })) : null
	]);
	return { nodes: results, count, page, q, project, global };
}
