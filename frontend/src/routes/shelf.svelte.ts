import { api, call } from '$lib/api/client';
import { ApiError } from '$lib/api/errors';
import type { Project, Status } from '$lib/api/types';
import { isTooLong } from '$lib/search/typing';

const PAGE_SIZE = 24;

/** The projects of one status, the one last changed first. */
export class Shelf {
	projects = $state.raw<Project[]>([]);
	count = $state(0);
	loaded = $state(false);
	error = $state.raw<ApiError | null>(null);

	constructor(
		readonly status: Status,
		/** What their title or category contains. */
		readonly q = ''
	) {}

	/** Fetches as many more as one page has. */
	more = async (): Promise<void> => {
		this.error = null;
		// Its field says so.
		if (isTooLong(this.q)) {
			this.loaded = true;
			return;
		}
		try {
			const { results, count } = await call(
				api.GET('/projects/', {
					params: {
						query: {
							status: this.status,
							q: this.q || undefined,
							page_size: PAGE_SIZE,
							page: Math.floor(this.projects.length / PAGE_SIZE) + 1
						}
					}
				})
			);
			// Between two pages a project may have moved to the front.
			const isNew = ({ id }: Project) => !this.projects.some((project) => project.id === id);
			this.projects = [...this.projects, ...results.filter(isNew)];
			this.count = count;
			this.loaded = true;
		} catch (error) {
			if (!(error instanceof ApiError)) throw error;
			this.error = error;
		}
	};
}
