import { SvelteMap } from 'svelte/reactivity';
import type { ApiError } from '$lib/api/errors';
import type { Copies, Copy } from './copies';
import { Draft, type Transport } from './draft.svelte';

/** How long a person who wants to leave is kept waiting for a save, in milliseconds. */
const PATIENCE = 2_000;

/** A text that only this browser knows. */
export interface Text {
	key: string;
	/** The page in which it was written. */
	page: string;
	value: unknown;
	/** Why it does not go by itself, where that is known. */
	problem: ApiError | null;
	/** It was changed elsewhere as well: whoever wrote it has to choose. */
	conflict: boolean;
}

/** One account's drafts in this tab. They live on when their page is left, until they are sent. */
export class Drafts {
	readonly #copies: Copies;
	readonly #drafts = new Map<string, Draft<unknown>>();
	/** Why a text has no draft: what it belongs to is not to be had. */
	readonly #problems = new SvelteMap<string, ApiError>();

	constructor(copies: Copies) {
		this.#copies = copies;
	}

	/** The draft of an object the server has just given; it keeps what is still unsent. */
	open<T>(key: string, object: unknown, transport: Transport<T>): Draft<T> {
		this.#problems.delete(key);
		const known = this.#drafts.get(key) as Draft<T> | undefined;
		if (known) {
			known.refresh(object);
			return known;
		}
		const draft = new Draft(key, object, transport, this.#copies);
		this.#drafts.set(key, draft as Draft<unknown>);
		return draft;
	}

	flush(leaving = false) {
		for (const draft of this.#drafts.values()) draft.flush(leaving);
	}

	retry() {
		for (const draft of this.#drafts.values()) draft.retry();
	}

	/** Whether the tab may be closed without a question. */
	get safe(): boolean {
		return [...this.#drafts.values()].every((draft) => draft.safe);
	}

	/** How many objects have text that only this browser knows, in whatever tab it was written. */
	get unsent(): number {
		return this.#copies.size;
	}

	has(key: string): boolean {
		return this.#drafts.has(key);
	}

	/** The copies that no page looks after any more. */
	orphans(isAlive: (page: string) => boolean): [key: string, copy: Copy<unknown>][] {
		return this.#copies.foreign().filter(([, { page }]) => !isAlive(page));
	}

	/** Lets the draft of a text go on with a copy that was left behind. */
	inherit(key: string, copy: Copy<unknown>) {
		this.#drafts.get(key)?.inherit(copy);
	}

	/** Notes why a text could not be opened again. */
	refuse(key: string, problem: ApiError) {
		this.#problems.set(key, problem);
	}

	/** What only this browser knows. */
	texts(): Text[] {
		return this.#copies.list().map(([key, { page, value }]) => {
			const draft = page === this.#copies.page ? this.#drafts.get(key) : undefined;
			const failed = draft?.state === 'failed' ? draft.problem : null;
			return {
				key,
				page,
				value,
				problem: failed ?? this.#problems.get(key) ?? null,
				conflict: draft?.state === 'conflict'
			};
		});
	}

	/** Gives up a text: nothing of it is sent any more. */
	async giveUp(key: string, page: string): Promise<void> {
		if (page === this.#copies.page) {
			this.#drafts.get(key)?.stop();
			this.#drafts.delete(key);
		}
		this.#problems.delete(key);
		await this.#copies.remove(key, page);
	}

	/** Sends what can be sent, and answers how many are unsent after that. */
	async settle(): Promise<number> {
		this.retry();
		for (let waited = 0; this.unsent && waited < PATIENCE; waited += 100) {
			await new Promise((resolve) => setTimeout(resolve, 100));
		}
		return this.unsent;
	}

	/** Another account uses this browser now; the copies wait for their own. */
	stop() {
		for (const draft of this.#drafts.values()) draft.stop();
		this.#drafts.clear();
	}

	/** The account leaves this browser. */
	forget() {
		this.stop();
		void this.#copies.clear();
	}
}
