import { api, call } from '$lib/api/client';
import { ApiError } from '$lib/api/errors';
import type { Project } from '$lib/api/types';
import { projectDraft } from '$lib/drafts/of-account.svelte';

/** A project's way from active to pending or completed, and back. */
export class Way {
	project: Project;
	busy = $state(false);
	/** What went wrong last. */
	problem = $state.raw<ApiError | null>(null);

	constructor(project: Project) {
		this.project = $state.raw(project);
	}

	get #params() {
		return { path: { id: this.project.id } };
	}

	complete = () => call(api.POST('/projects/{id}/complete/', { params: this.#params }));
	pend = () => call(api.POST('/projects/{id}/pend/', { params: this.#params }));
	reopen = () => call(api.POST('/projects/{id}/reopen/', { params: this.#params }));

	/** One change at a time. Whether it succeeded. */
	async change(request: () => Promise<Project | void>): Promise<boolean> {
		if (this.busy) return false;
		this.busy = true;
		this.problem = null;
		try {
			const changed = await request();
			if (changed) this.#take(changed);
			return true;
		} catch (error) {
			if (!(error instanceof ApiError)) throw error;
			this.problem = error;
			// Another page has gone another way with it: what can be done from there is offered instead.
			if (error.code === 'BIZ_001') await this.#look();
			return false;
		} finally {
			this.busy = false;
		}
	}

	async #look() {
		try {
			this.#take(await call(api.GET('/projects/{id}/', { params: this.#params })));
		} catch (error) {
			if (!(error instanceof ApiError)) throw error;
		}
	}

	#take(project: Project) {
		this.project = project;
		projectDraft(project);
	}
}
