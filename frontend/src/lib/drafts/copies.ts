/** What is not on the server yet. */
export interface Copy<T> {
	value: T;
	/** The version of the object that was changed. */
	version: number;
	/** What the object was in that version; a conflict tells by it which side changed what. */
	base?: T;
	/** What was sent, without an answer: the server may have it or not. */
	unanswered: T[];
	/** The page that wrote the copy: another tab has its own. */
	page: string;
}

/** Where copies last. */
export interface CopyStore {
	all(): Promise<[key: string, copy: Copy<unknown>][]>;
	read(key: string, page: string): Promise<Copy<unknown> | null>;
	/** Has to hand the copy over before it answers: the page may be gone at the next moment. */
	write(key: string, copy: Copy<unknown>, lasting: boolean): Promise<void>;
	/** Removes what the page wrote, or only that copy of it. */
	remove(key: string, page: string, copy?: Copy<unknown>): Promise<void>;
	clear(): Promise<void>;
}

/** Tells other tabs of a change. */
export type Channel = Pick<BroadcastChannel, 'postMessage' | 'onmessage'>;

interface Told {
	key: string;
	page: string;
}

/**
 * Local copies of one account's unsent texts: of each text one for every page that writes it, so that no tab loses what
 * another one writes over. They are read from memory, which has what the store had at the start, what this page wrote
 * and what other tabs tell of.
 */
export class Copies {
	readonly #store: CopyStore;
	readonly #channel: Channel;
	readonly page: string;
	readonly #copies = new Map<string, Map<string, Copy<unknown>>>();
	/** Called when the number of copies may have changed. */
	onchange: () => void = () => {};
	/** Called when a page has settled a text of its own, this one or another: the server has it, or it was given up. */
	onsettled: (key: string, page: string) => void = () => {};

	private constructor(
		store: CopyStore,
		channel: Channel,
		page: string,
		copies: [string, Copy<unknown>][]
	) {
		this.#store = store;
		this.#channel = channel;
		this.page = page;
		for (const [key, copy] of copies) this.#set(key, copy);
		channel.onmessage = ({ data }) => void this.#hear(data as Told);
	}

	/** With what is there. A store that fails is one without copies; writing to it fails, too. */
	static async open(store: CopyStore, channel: Channel, page: string): Promise<Copies> {
		return new Copies(store, channel, page, await store.all().catch(() => []));
	}

	/** What this page wrote, else what another one did. */
	read<T>(key: string): Copy<T> | null {
		const copies = this.#copies.get(key);
		const copy = copies?.get(this.page) ?? copies?.values().next().value;
		return (copy as Copy<T> | undefined) ?? null;
	}

	/** All that is not on the server yet. */
	list(): [key: string, copy: Copy<unknown>][] {
		return [...this.#copies].flatMap(([key, copies]) =>
			[...copies.values()].map((copy): [string, Copy<unknown>] => [key, copy])
		);
	}

	/** What other pages wrote. */
	foreign(): [key: string, copy: Copy<unknown>][] {
		return this.list().filter(([, { page }]) => page !== this.page);
	}

	/**
	 * Answers false when the browser has no room for it, or stores nothing. `lasting`: not before
	 * it would survive a power cut, too.
	 */
	async write<T>(key: string, values: Omit<Copy<T>, 'page'>, lasting = false): Promise<boolean> {
		const copy = { ...values, page: this.page };
		this.#set(key, copy);
		this.onchange();
		try {
			await this.#store.write(key, copy, lasting);
			this.#tell(key, this.page);
			return true;
		} catch {
			return false;
		}
	}

	/** Removes what the page wrote, by default this one. */
	async remove(key: string, page = this.page): Promise<void> {
		if (!this.#copies.get(key)?.has(page)) return;
		this.#delete(key, page);
		this.onchange();
		await this.#store.remove(key, page).catch(() => undefined);
		this.#tell(key, page);
		if (page === this.page) this.onsettled(key, page);
	}

	/** Removes what another page wrote, now that this one has it: unless that page has written on. */
	async takenOver(key: string, copy: Copy<unknown>): Promise<void> {
		if (copy.page === this.page) return;
		if (this.#copies.get(key)?.get(copy.page) === copy) this.#delete(key, copy.page);
		this.onchange();
		await this.#store.remove(key, copy.page, copy).catch(() => undefined);
		this.#tell(key, copy.page);
	}

	/** How many texts have a copy. */
	get size(): number {
		return this.#copies.size;
	}

	async clear(): Promise<void> {
		this.#copies.clear();
		this.onchange();
		await this.#store.clear().catch(() => undefined);
	}

	#set(key: string, copy: Copy<unknown>) {
		if (!this.#copies.has(key)) this.#copies.set(key, new Map());
		this.#copies.get(key)!.set(copy.page, copy);
	}

	#delete(key: string, page: string) {
		const copies = this.#copies.get(key);
		copies?.delete(page);
		if (copies?.size === 0) this.#copies.delete(key);
	}

	#tell(key: string, page: string) {
		this.#channel.postMessage({ key, page } satisfies Told);
	}

	async #hear({ key, page }: Told) {
		// Of its own copy this page knows best.
		if (page === this.page) return;
		const copy = await this.#store.read(key, page).catch(() => null);
		if (copy) this.#set(key, copy);
		else this.#delete(key, page);
		this.onchange();
		if (!copy) this.onsettled(key, page);
	}
}
