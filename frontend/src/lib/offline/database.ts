import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import type { Answer } from './answers';
import type { Write } from './writes.svelte';

/** Everything that is kept in this browser. Every key begins with the account it belongs to. */
interface Tables extends DBSchema {
	/** Texts that are not on the server yet, as JSON. */
	copies: {
		key: [account: string, key: string];
		value: { account: string; key: string; copy: string };
	};
	/** What was read. */
	answers: {
		key: [account: string, url: string];
		value: Answer;
		indexes: { objects: string; at: number };
	};
	/** What was done without a network, in the order of its numbers. */
	writes: { key: [account: string, number: number]; value: Write };
}

export type Database = IDBPDatabase<Tables>;

let opened: Promise<Database> | null = null;

/** The database of this browser; rejects where there is none. */
export function database(): Promise<Database> {
	opened ??= openDB<Tables>('thinkring', 1, {
		upgrade(database) {
			database.createObjectStore('copies', { keyPath: ['account', 'key'] });
			const answers = database.createObjectStore('answers', { keyPath: ['account', 'url'] });
			answers.createIndex('objects', 'objects', { multiEntry: true });
			answers.createIndex('at', 'at');
			database.createObjectStore('writes', { keyPath: ['account', 'number'] });
		},
		// A later version of the page wants to change it: that one must not wait for this tab.
		blocking: (_current, _wanted, event) => {
			(event.target as IDBDatabase).close();
			opened = null;
		},
		terminated: () => (opened = null)
	}).catch((error) => {
		opened = null;
		throw error;
	});
	return opened;
}

/** All keys of one account. */
export function ofAccount(account: string): IDBKeyRange {
	return IDBKeyRange.bound([account], [account, []]);
}
