import { database, ofAccount } from './database';

/** An answer of the server that was read. */
export interface Answer {
	account: string;
	url: string;
	body: unknown;
	/** When it came, in milliseconds. */
	at: number;
	/** The account and id of everything in it, by which a change finds it. */
	objects: string[];
}

interface Thing {
	id: string;
	version?: number;
}

const MOST_ANSWERS = 3_000;

/**
 * What one account has read, for the time without a network. A browser that keeps nothing is no
 * error here: then there is nothing to fall back on.
 */
export class Answers {
	readonly #account: string;

	constructor(account: string) {
		this.#account = account;
	}

	async read(url: string): Promise<Answer | null> {
		return this.#try(
			async () => (await (await database()).get('answers', [this.#account, url])) ?? null,
			null
		);
	}

	async keep(url: string, body: unknown): Promise<void> {
		const objects = things(body).map(({ id }) => this.#name(id));
		const answer = { account: this.#account, url, body, at: Date.now(), objects };
		await this.#try(async () => (await database()).put('answers', answer), undefined);
	}

	/** Takes note of what the server made of a write. */
	async absorb(method: string, url: string, response: Response): Promise<void> {
		if (isJson(response)) await this.update(await response.clone().json());
		else if (method === 'DELETE') await this.remove(url.split('/').at(-2)!);
	}

	/** What was written is what will be read: in every answer that has the object in it. */
	async update(object: unknown): Promise<void> {
		const [thing] = things(object);
		if (thing) await this.#change(thing.id, (known) => (isOlder(thing, known) ? known : thing));
	}

	/** Everything that was read and has an object in it. */
	async having(id: string): Promise<Answer[]> {
		return this.#try(
			async () => (await database()).getAllFromIndex('answers', 'objects', this.#name(id)),
			[]
		);
	}

	/** An object as it was read last, alone or in a list. */
	async find(id: string): Promise<Thing | null> {
		const [newest] = (await this.having(id)).sort((one, other) => other.at - one.at);
		return things(newest?.body).find((thing) => thing.id === id) ?? null;
	}

	/** Something went to the trash: no list has it any more. */
	async remove(id: string): Promise<void> {
		await this.#change(id, () => null);
	}

	/** Puts something back into the answers that had it before it was removed. */
	async bringBack(id: string, before: Answer[]): Promise<void> {
		await this.#try(async () => {
			const store = (await database()).transaction('answers', 'readwrite').store;
			for (const answer of before) {
				const now = await store.get([answer.account, answer.url]);
				const body = now && withAgain(now.body, answer.body, id);
				const objects = [...new Set([...(now?.objects ?? []), this.#name(id)])];
				await store.put(now ? { ...now, body, objects } : answer);
			}
		}, undefined);
	}

	/** Removes what was read longest ago, beyond a number no person reads again. */
	async tidy(): Promise<void> {
		await this.#try(async () => {
			const store = (await database()).transaction('answers', 'readwrite').store;
			let surplus = (await store.count()) - MOST_ANSWERS;
			for (
				let cursor = surplus > 0 ? await store.index('at').openCursor() : null;
				cursor && surplus-- > 0;
				cursor = await cursor.continue()
			) {
				await cursor.delete();
			}
		}, undefined);
	}

	/** Removes what was read, everybody's: another account may follow. */
	static async clear(): Promise<void> {
		try {
			await (await database()).clear('answers');
		} catch {
			// Nothing is kept where there is no database.
		}
	}

	/** Removes what other accounts have read in this browser. */
	async clearOthers(): Promise<void> {
		await this.#try(async () => {
			const store = (await database()).transaction('answers', 'readwrite').store;
			const { lower, upper } = ofAccount(this.#account);
			await store.delete(IDBKeyRange.upperBound(lower, true));
			await store.delete(IDBKeyRange.lowerBound(upper, true));
		}, undefined);
	}

	async #change(id: string, change: (known: Thing) => Thing | null): Promise<void> {
		await this.#try(async () => {
			const store = (await database()).transaction('answers', 'readwrite').store;
			for (const answer of await store.index('objects').getAll(this.#name(id))) {
				const body = changed(answer.body, id, change);
				if (body === null) await store.delete([answer.account, answer.url]);
				else await store.put({ ...answer, body });
			}
		}, undefined);
	}

	#name(id: string): string {
		return `${this.#account}:${id}`;
	}

	async #try<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
		try {
			return await work();
		} catch {
			return otherwise;
		}
	}
}

export function isJson(response: Response): boolean {
	return response.headers.get('Content-Type')?.startsWith('application/json') ?? false;
}

function isThing(value: unknown): value is Thing {
	return typeof (value as Partial<Thing> | null)?.id === 'string';
}

/** The objects of an answer: itself, or what it lists. */
function things(body: unknown): Thing[] {
	if (isThing(body)) return [body];
	const { results } = (body ?? {}) as { results?: unknown };
	return Array.isArray(results) ? results.filter(isThing) : [];
}

function isOlder(one: Thing, other: Thing): boolean {
	return one.version !== undefined && other.version !== undefined && one.version < other.version;
}

/** The answer with one object changed in it; null when the answer was about nothing else, and it is gone. */
function changed(body: unknown, id: string, change: (known: Thing) => Thing | null): unknown {
	if (isThing(body)) {
		const thing = change(body);
		return thing && { ...body, ...thing };
	}
	const list = body as { results: unknown[]; count?: number };
	const results = list.results.flatMap((entry) => {
		if (!isThing(entry) || entry.id !== id) return [entry];
		const thing = change(entry);
		return thing ? [{ ...entry, ...thing }] : [];
	});
	const count = list.count !== undefined && list.count - (list.results.length - results.length);
	return { ...list, results, ...(count !== false && { count }) };
}

/** The list with an entry that it had before, at its place. */
function withAgain(now: unknown, before: unknown, id: string): unknown {
	const list = now as { results?: unknown[]; count?: number };
	const former = (before as typeof list).results ?? [];
	const isIt = (entry: unknown) => isThing(entry) && entry.id === id;
	const index = former.findIndex(isIt);
	if (!list.results || index < 0 || list.results.some(isIt)) return now;
	const results = [...list.results.slice(0, index), former[index], ...list.results.slice(index)];
	return { ...list, results, ...(list.count !== undefined && { count: list.count + 1 }) };
}
