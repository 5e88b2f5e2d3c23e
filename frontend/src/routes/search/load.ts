import { api, call } from '$lib/api/client';
import type { Hit } from '$lib/api/types';
import { pageOf } from '$lib/components/pages';
import { isTooLong } from '$lib/search/typing';

export const PAGE_SIZE = 30;

export interface Results {
	q: string;
	hits: Hit[];
	count: number;
	page: number;
}

/** What the address asks for: `q`, `page`; without words, or with too many, nothing is looked for. */
export async function loadResults(query: string): Promise<Results> {
	const asked = new URLSearchParams(query);
	const q = (asked.get('q') ?? '').trim();
	const page = pageOf(asked.get('page'));
	if (!q || isTooLong(q)) return { q, hits: [], count: 0, page: 1 };
	const { results, count } = await call(
		api.GET('/search/', { params: { query: { q, page, page_size: PAGE_SIZE } } })
	);
	return { q, hits: results, count, page };
}
