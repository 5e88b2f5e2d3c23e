import { api, call } from '$lib/api/client';
import { ApiError } from '$lib/api/errors';
import type { Link, NewLink, Reference } from '$lib/api/types';

const PAGE_SIZE = 50;

/** The links of one node, both ways, the newest change first. */
export class Links {
	list = $state.raw<Link[]>([]);
	count = $state(0);
	loaded = $state(false);
	/** Why they could not be fetched. */
	error = $state.raw<ApiError | null>(null);
	/** Why the last change did not succeed. */
	problem = $state.raw<ApiError | null>(null);
	/** The weights on their way to the server, by the link's id; the latest one wins. */
	readonly #weights: Record<string, number> = {};

	constructor(readonly node: string) {}

	/** The node at the other end. */
	other({ from, to }: Link): Reference {
		return from.id === this.node ? to : from;
	}

	/** Fetches as many more as one page has. */
	more = async (): Promise<void> => {
		this.error = null;
		try {
			const page = Math.floor(this.list.length / PAGE_SIZE) + 1;
			const query = { page, page_size: PAGE_SIZE };
			const { results, count } = await call(
				api.GET('/nodes/{id}/links/', { params: { path: { id: this.node }, query } })
			);
			const isNew = ({ id }: Link) => !this.list.some((link) => link.id === id);
			this.list = [...this.list, ...results.filter(isNew)];
			this.count = count;
			this.loaded = true;
		} catch (error) {
			if (!(error instanceof ApiError)) throw error;
			this.error = error;
		}
	};

	/** Links the node to another one; answers whether that succeeded. */
	add(to: string): Promise<boolean> {
		return this.#make({ to });
	}

	/** By its own id it comes back as it was, its reason included. */
	restore(link: Link): Promise<boolean> {
		return this.#make({ to: this.other(link).id, id: link.id });
	}

	#make(body: NewLink): Promise<boolean> {
		return this.#attempt(async () => {
			const params = { path: { id: this.node } };
			const link = await call(api.POST('/nodes/{id}/links/', { params, body }));
			const known = this.list.some(({ id }) => id === link.id);
			this.list = [link, ...this.list.filter(({ id }) => id !== link.id)];
			if (!known) this.count++;
		});
	}

	remove(link: Link): Promise<boolean> {
		return this.#attempt(async () => {
			await api.DELETE('/links/{id}/', { params: { path: { id: link.id } } });
			this.list = this.list.filter(({ id }) => id !== link.id);
			this.count--;
		});
	}

	/** One request at a time for each link. */
	async weigh({ id }: Link, weight: number) {
		const busy = id in this.#weights;
		this.#weights[id] = weight;
		if (busy) return;
		let sent: number | undefined;
		while (sent !== this.#weights[id]) {
			sent = this.#weights[id]!;
			if (!(await this.#attempt(() => this.#send(id, sent!)))) break;
		}
		delete this.#weights[id];
	}

	async #send(id: string, weight: number) {
		const link = this.list.find((link) => link.id === id);
		if (!link) return;
		const headers = { 'If-Match': String(link.version) };
		const params = { path: { id } };
		try {
			this.#replace(await call(api.PATCH('/links/{id}/', { params, headers, body: { weight } })));
		} catch (error) {
			// What the server has instead is shown, whatever the control says.
			const changed = error instanceof ApiError && (error.current as Link | null);
			this.#replace(changed || { ...link });
			throw error;
		}
	}

	#replace(link: Link) {
		this.list = this.list.map((other) => (other.id === link.id ? link : other));
	}

	async #attempt(change: () => Promise<void>): Promise<boolean> {
		this.problem = null;
		try {
			await change();
			return true;
		} catch (error) {
			if (!(error instanceof ApiError)) throw error;
			this.problem = error;
			return false;
		}
	}
}
