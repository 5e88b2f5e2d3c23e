/** What is not on the server yet. */
export interface Copy<T> {
	value: T;
	/** The version of the object that was changed. */
	version: number;
	/** What the object was in that version; a conflict tells by it which side changed what. */
	base?: T;
	/** What was sent, without an answer: the server may have it or not. */
	unanswered: T[];
	/** The page that wrote the copy: another tab must not remove it. */
	page: string;
}

/** Where copies last. */
export interface CopyStore {
	all(): Promise<[key: string, copy: Copy<unknown>][]>;
	read(key: string): Promise<Copy<unknown> | null>;
	/** Has to hand the copy over before it answers: the page may be gone at the next moment. */
	write(key: string, copy: Copy<unknown>, lasting: boolean): Promise<void>;
	/** Removes what the page has written, not what another one wrote meanwhile. */
	remove(key: string, page: string): Promise<void>;
	clear(): Promise<void>;
}

/** Tells other tabs of a change. */
export type Channel = Pick<BroadcastChannel, 'postMessage' | 'onmessage'>;

/**
 * Local copies of one account's unsent texts. They are read from memory, which has what the
 * store had at the start, what this page wrote and what other tabs tell of.
 */
export class Copies {
	readonly #store: CopyStore;
	readonly #channel: Channel;
	readonly #page: string;
	readonly #copies: Map<string, Copy<unknown>>;
	/** Called when the number of copies may have changed. */
	onchange: () => void = () => {};

	private constructor(
		store: CopyStore,
		channel: Channel,
		page: string,
		copies: [string, Copy<unknown>][]
	) {
		this.#store = store;
		this.#channel = channel;
		this.#page = page;
		this.#copies = new Map(copies);
		channel.onmessage = ({ data }) => void this.#hear(data as string);
	}

	/** With what is there. A store that fails is one without copies; writing to it fails, too. */
	static async open(store: CopyStore, channel: Channel, page: string): Promise<Copies> {
		return new Copies(store, channel, page, await store.all().catch(() => []));
	}

	read<T>(key: string): Copy<T> | null {
		return (this.#copies.get(key) as Copy<T> | undefined) ?? null;
	}

	/**
	 * Answers false when the browser has no room for it, or stores nothing. `lasting`: not before
	 * it would survive a power cut, too.
	 */
	async write<T>(key: string, values: Omit<Copy<T>, 'page'>, lasting = false): Promise<boolean> {
		const copy = { ...values, page: this.#page };
		this.#copies.set(key, copy);
		this.onchange();
		try {
			await this.#store.write(key, copy, lasting);
			this.#channel.postMessage(key);
			return true;
		} catch {
			return false;
		}
	}

	/** Removes the copy, unless another tab has written its own meanwhile. */
	async remove(key: string): Promise<void> {
		if (this.read(key)?.page !== this.#page) return;
		this.#copies.delete(key);
		this.onchange();
		await this.#store.remove(key, this.#page).catch(() => undefined);
		this.#channel.postMessage(key);
	}

	/** Removes the copy, whoever wrote it. */
	async giveUp(key: string): Promise<void> {
		const copy = this.read(key);
		if (!copy) return;
		this.#copies.delete(key);
		this.onchange();
		await this.#store.remove(key, copy.page).catch(() => undefined);
		this.#channel.postMessage(key);
	}

	keys(): string[] {
		return [...this.#copies.keys()];
	}

	async clear(): Promise<void> {
		this.#copies.clear();
		this.onchange();
		await this.#store.clear().catch(() => undefined);
	}

	async #hear(key: string) {
		const copy = await this.#store.read(key).catch(() => null);
		// What this page wrote is newer than what it has just read.
		if (this.#copies.get(key)?.page === this.#page && copy?.page === this.#page) return;
		if (copy) this.#copies.set(key, copy);
		else this.#copies.delete(key);
		this.onchange();
	}
}
