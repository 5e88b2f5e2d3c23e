import { beforeEach, expect, test } from 'vitest';
import { Copies } from './copies';
import { MemoryBrowser } from './memory-store.test-helper';

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
	expect(reloaded.list()).toEqual([['step:1', { ...copy, page: 'page 1' }]]);
});

test('another account sees nothing of it', async () => {
	const copies = await open('page 1');
	await copies.write('step:1', copy);
	const other = await open('page 2', 'bob');
	expect(other.read('step:1')).toBeNull();
	expect(other.size).toBe(0);
	await other.clear();
	expect((await open('page 3')).size).toBe(1);
});

test('what one tab writes and removes takes nothing from another', async () => {
	const [one, other] = [await open('page 1'), await open('page 2')];
	await one.write('step:1', copy);
	await other.write('step:1', { ...copy, value: '湿度' });
	expect(one.read<string>('step:1')?.value).toBe('温度');
	expect((await open('page 3')).list().map(([, { value }]) => value)).toEqual(['温度', '湿度']);
	await one.remove('step:1');
	await Promise.resolve();
	expect(other.read<string>('step:1')?.value).toBe('湿度');
	expect(one.foreign()).toMatchObject([['step:1', { value: '湿度', page: 'page 2' }]]);
	expect((await open('page 4')).size).toBe(1);
	await one.remove('step:1', 'page 2');
	expect((await open('page 5')).size).toBe(0);
});

test('it is told whose text is settled', async () => {
	const [one, other] = [await open('page 1'), await open('page 2')];
	const settled: string[] = [];
	for (const copies of [one, other])
		copies.onsettled = (...told) => settled.push(told.join(' of '));
	await one.write('step:1', copy);
	await one.remove('step:1');
	await Promise.resolve();
	expect(settled.sort()).toEqual(['step:1 of page 1', 'step:1 of page 1']);
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
	expect(other.size).toBe(0);
	expect(changes).toBe(2);
});

test('all of them are removed at once', async () => {
	const copies = await open('page 1');
	await copies.write('step:1', copy);
	await copies.write('node:2', copy);
	await copies.clear();
	expect(copies.size).toBe(0);
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
