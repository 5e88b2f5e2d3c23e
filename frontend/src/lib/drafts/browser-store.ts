import { database, ofAccount, type Database } from '$lib/offline/database';
import type { Copy, CopyStore } from './copies';

/** Copies were kept in localStorage by version 0.1. */
const LEGACY = 'draft:';

/**
 * Copies in IndexedDB. Each key typed is one transaction, begun and committed in the same turn: from
 * then on it is the browser's process that writes it, whatever becomes of the page. A crash can
 * lose only a key whose event the page had not handled yet; a power cut, what was typed since the
 * last pause, which is when a copy is written through to the disk.
 */
export class BrowserStore implements CopyStore {
	readonly #account: string;
	#database: Database | null = null;

	constructor(account: string) {
		this.#account = account;
	}

	async all(): Promise<[string, Copy<unknown>][]> {
		this.#database = await database();
		await moveFromLocalStorage(this.#database);
		const rows = await this.#database.getAll('copies', ofAccount(this.#account));
		return rows.map(({ key, copy }) => [key.split(' ')[0]!, JSON.parse(copy) as Copy<unknown>]);
	}

	async read(key: string, page: string): Promise<Copy<unknown> | null> {
		const row = await (await database()).get('copies', this.#row(key, page));
		return row ? (JSON.parse(row.copy) as Copy<unknown>) : null;
	}

	async write(key: string, copy: Copy<unknown>, lasting: boolean): Promise<void> {
		const [account, name] = this.#row(key, copy.page);
		const row = { account, key: name, copy: JSON.stringify(copy) };
		const put = (database: Database) => {
			const transaction = database.transaction('copies', 'readwrite', {
				durability: lasting ? 'strict' : 'relaxed'
			});
			const request = transaction.store.put(row);
			transaction.commit();
			return Promise.all([request, transaction.done]);
		};
		try {
			if (!this.#database) throw new DOMException('not open', 'InvalidStateError');
			await put(this.#database);
		} catch (error) {
			// A browser may close the database of a page that it had put to sleep.
			if (!(error instanceof DOMException) || error.name !== 'InvalidStateError') throw error;
			this.#database = await database();
			await put(this.#database);
		}
	}

	async remove(key: string, page: string, copy?: Copy<unknown>): Promise<void> {
		// Without a turn in between, so that what is typed next is written after it.
		const transaction = (this.#database ?? (await database())).transaction('copies', 'readwrite');
		for (const name of [this.#row(key, page), this.#older(key)]) {
			const row = await transaction.store.get(name);
			if (!row || (JSON.parse(row.copy) as Copy<unknown>).page !== page) continue;
			if (!copy || row.copy === JSON.stringify(copy)) await transaction.store.delete(name);
		}
		await transaction.done;
	}

	async clear(): Promise<void> {
		await (await database()).delete('copies', ofAccount(this.#account));
	}

	/** Each page has its own. */
	#row(key: string, page: string): [account: string, name: string] {
		return [this.#account, `${key} ${page}`];
	}

	/** Up to version 0.2 the tabs wrote over each other. */
	#older(key: string): [account: string, name: string] {
		return [this.#account, key];
	}
}

/** Once: what an earlier version could not send. Whose text it is stands in its name. */
async function moveFromLocalStorage(database: Database): Promise<void> {
	const names = Object.keys(localStorage).filter((name) => name.startsWith(LEGACY));
	if (names.length === 0) return;
	const transaction = database.transaction('copies', 'readwrite', { durability: 'strict' });
	for (const name of names) {
		const [account, ...key] = name.slice(LEGACY.length).split(':');
		const row = { account: account!, key: key.join(':'), copy: localStorage.getItem(name)! };
		// Another tab may have moved it already, and written since.
		if (isCopy(row.copy) && !(await transaction.store.get([row.account, row.key]))) {
			await transaction.store.put(row);
		}
	}
	await transaction.done;
	for (const name of names) localStorage.removeItem(name);
}

function isCopy(text: string): boolean {
	try {
		const copy = JSON.parse(text) as Partial<Copy<unknown>> | null;
		return typeof copy?.version === 'number' && 'value' in copy && Array.isArray(copy.unanswered);
	} catch {
		return false;
	}
}
