import 'fake-indexeddb/auto';
import { beforeEach, expect, test, vi } from 'vitest';
import { database } from '$lib/offline/database';
import { BrowserStore } from './browser-store';

const copy = { value: '温度', version: 3, unanswered: [], page: 'page 1' };

beforeEach(async () => {
	const values = new Map<string, string>();
	vi.stubGlobal(
		'localStorage',
		new Proxy(
			{
				getItem: (key: string) => values.get(key) ?? null,
				setItem: (key: string, value: string) => void values.set(key, value),
				removeItem: (key: string) => void values.delete(key)
			},
			{
				ownKeys: () => [...values.keys()],
				getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true })
			}
		)
	);
	await (await database()).clear('copies');
});

async function opened(account = 'alice') {
	const store = new BrowserStore(account);
	return { store, all: await store.all() };
}

test('a copy is there after a reload, for its account alone', async () => {
	const { store } = await opened();
	await store.write('step:1', copy, false);
	expect((await opened()).all).toEqual([['step:1', copy]]);
	expect((await opened('bob')).all).toEqual([]);
	expect(await store.read('step:1', 'page 1')).toEqual(copy);
});

test('it is handed over in the very turn in which it was written', async () => {
	const { store } = await opened();
	void store.write('step:1', copy, false);
	void store.write('step:1', { ...copy, value: '温度計' }, true);
	// Another connection, as after a crash: nothing of the page that wrote is waited for.
	const row = await (await database()).get('copies', ['alice', 'step:1 page 1']);
	expect(JSON.parse(row!.copy)).toMatchObject({ value: '温度計' });
});

test('a removal does not take along what is written right after it', async () => {
	const { store } = await opened();
	await store.write('step:1', copy, false);
	const removal = store.remove('step:1', 'page 1');
	await store.write('step:1', { ...copy, value: 'newer' }, false);
	await removal;
	expect(await store.read('step:1', 'page 1')).toMatchObject({ value: 'newer' });
});

test('each page has a copy of its own', async () => {
	const { store } = await opened();
	const other = { ...copy, value: '湿度', page: 'page 2' };
	await store.write('step:1', copy, false);
	await store.write('step:1', other, false);
	expect((await opened()).all).toEqual([
		['step:1', copy],
		['step:1', other]
	]);
	await store.remove('step:1', 'page 2');
	expect((await opened()).all).toEqual([['step:1', copy]]);
	expect(await store.read('step:1', 'page 2')).toBeNull();
});

test('what version 0.2 kept is found, and removed', async () => {
	await (
		await database()
	).put('copies', { account: 'alice', key: 'step:1', copy: JSON.stringify(copy) });
	const { store, all } = await opened();
	expect(all).toEqual([['step:1', copy]]);
	await store.remove('step:1', 'page 2');
	expect((await opened()).all).toHaveLength(1);
	await store.remove('step:1', 'page 1');
	expect((await opened()).all).toEqual([]);
});

test('what version 0.1 left in localStorage is moved once', async () => {
	localStorage.setItem('draft:alice:step:1', JSON.stringify(copy));
	localStorage.setItem('draft:bob:note:2', JSON.stringify({ ...copy, value: 'Bob’s' }));
	localStorage.setItem('draft:alice:step:3', '{broken');
	localStorage.setItem('theme', 'dark');
	expect((await opened()).all).toEqual([['step:1', copy]]);
	expect((await opened('bob')).all).toEqual([['note:2', { ...copy, value: 'Bob’s' }]]);
	expect(Object.keys(localStorage)).toEqual(['theme']);
});

test('clearing one account leaves the other', async () => {
	await (await opened()).store.write('step:1', copy, false);
	await (await opened('bob')).store.write('step:1', copy, false);
	await (await opened()).store.clear();
	expect((await opened()).all).toEqual([]);
	expect((await opened('bob')).all).toHaveLength(1);
});
