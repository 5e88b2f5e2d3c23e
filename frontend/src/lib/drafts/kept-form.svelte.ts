import { session } from '$lib/session';

export const PREFIX = 'form:';

/** What is typed into a form, kept in this tab until it was sent: an expired session brings it back. */
export class KeptForm<T extends Record<string, string>> {
	values: T;
	readonly #key: string;
	readonly #empty: () => T;

	constructor(name: string, empty: () => T) {
		this.#key = `${PREFIX}${session.user!.id}:${name}`;
		this.#empty = empty;
		const kept = sessionStorage.getItem(this.#key);
		this.values = $state(kept ? (JSON.parse(kept) as T) : empty());
	}

	/** To be called in an effect, so that it follows the typing. */
	keep() {
		sessionStorage.setItem(this.#key, JSON.stringify(this.values));
	}

	/** It was sent. */
	clear() {
		this.values = this.#empty();
		sessionStorage.removeItem(this.#key);
	}
}
