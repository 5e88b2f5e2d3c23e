import { beforeEach, expect, test } from 'vitest';
import { Copies } from './copies';
import { MemoryBrowser } from './memory-store';

let browser: MemoryBrowser;
const copy = { value: '温度', version: 3, unanswered: [] };
const open = (page: string, account = 'alice') =>
	Copies.open(browser.store(account), browser.channel(), page);

beforeEach(() => {
	browser = new MemoryBrowser();
});

test('a copy survives the page that wrote it', async () => {
	expect(await (await open('page 1')).write('step:1', copy)).toBe(true);
	const reloaded = await open('page 2');
	expect(reloaded.read('step:1')).toEqual({ ...copy, page: 'page 1' });
	expect(reloaded.keys()).toEqual(['step:1']);
});

test('another account sees nothing of it', async () => {
	const copies = await open('page 1');
	await copies.write('step:1', copy);
	const other = await open('page 2', 'bob');
	expect(other.read('step:1')).toBeNull();
	expect(other.keys()).toEqual([]);
	await other.clear();
	expect((await open('page 3')).keys()).toEqual(['step:1']);
});

test('it is removed by the page that wrote it, not by another tab', async () => {
	const copies = await open('page 1');
	await copies.write('step:1', copy);
	await (await open('page 2')).remove('step:1');
	expect((await open('page 3')).read('step:1')).not.toBeNull();
	await copies.remove('step:1');
	expect((await open('page 4')).read('step:1')).toBeNull();
});

test('what one tab writes and removes the other one knows', async () => {
	const [one, other] = [await open('page 1'), await open('page 2')];
	let changes = 0;
	other.onchange = () => changes++;
	await one.write('step:1', copy);
	await Promise.resolve();
	expect(other.read<string>('step:1')?.value).toBe('温度');
	await one.remove('step:1');
	await Promise.resolve();
	expect(other.keys()).toEqual([]);
	expect(changes).toBe(2);
});

test('all of them are removed at once', async () => {
	const copies = await open('page 1');
	await copies.write('step:1', copy);
	await copies.write('node:2', copy);
	await copies.clear();
	expect(copies.keys()).toEqual([]);
	expect(browser.items.size).toBe(0);
});

test('no room is said, not thrown, and the page goes on', async () => {
	browser.room = 10;
	const copies = await open('page 1');
	expect(await copies.write('step:1', copy)).toBe(false);
	expect(copies.read<string>('step:1')?.value).toBe('温度');
	expect((await open('page 2')).read('step:1')).toBeNull();
});

test('a browser that stores nothing is said with the first text', async () => {
	const broken = () => Promise.reject(new Error('no database'));
	const store = { all: broken, read: broken, write: broken, remove: broken, clear: broken };
	const copies = await Copies.open(store, browser.channel(), 'page 1');
	expect(await copies.write('step:1', copy)).toBe(false);
	await copies.remove('step:1');
	await copies.clear();
});
