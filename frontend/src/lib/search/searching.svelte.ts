import { api, call } from '$lib/api/client';
import { ApiError } from '$lib/api/errors';
import type { Hit } from '$lib/api/types';
import { debounce, isTooLong } from './typing';

const PAUSE = 150;
const MOST = 8;

/** The first results for what is being typed; the answer to what was typed before never replaces a newer one. */
export class Searching {
	/** What the results are for. */
	q = $state('');
	hits = $state.raw<Hit[]>([]);
	count = $state(0);
	busy = $state(false);
	error = $state.raw<ApiError | null>(null);

	#look = debounce((q: string) => void this.look(q), PAUSE);
	#request: AbortController | null = null;

	/** Looks for it once the typing pauses. */
	type(text: string) {
		const q = text.trim();
		this.stop();
		if (q === this.q && !this.error) return;
		if (!q || isTooLong(q)) {
			this.q = '';
			this.hits = [];
			this.count = 0;
			this.error = null;
			return;
		}
		this.busy = true;
		this.#look.later(q);
	}

	async look(q: string): Promise<void> {
		this.stop();
		this.busy = true;
		const request = (this.#request = new AbortController());
		try {
			const { results, count } = await call(
				api.GET('/search/', {
					params: { query: { q, page_size: MOST } },
					signal: request.signal
				})
			);
			if (request.signal.aborted) return;
			[this.q, this.hits, this.count, this.error] = [q, results, count, null];
		} catch (error) {
			if (request.signal.aborted) return;
			if (!(error instanceof ApiError)) throw error;
			[this.q, this.hits, this.count, this.error] = [q, [], 0, error];
		} finally {
			if (this.#request === request) this.busy = false;
		}
	}

	stop() {
		this.#look.cancel();
		this.#request?.abort();
		this.#request = null;
		this.busy = false;
	}
}
