import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ApiError } from '$lib/api/errors';
import { Copies } from './copies';
import type { Transport } from './draft.svelte';
import { Drafts } from './drafts';
import { MemoryBrowser } from './memory-store.test-helper';

const sent: [string, boolean][] = [];
let reachable = true;

const transport: Transport<string> = {
	read: (object) => object as { value: string; version: number },
	async write(value, version, leaving) {
		sent.push([value, leaving]);
		if (!reachable) throw ApiError.offline();
		return { value, version: version + 1 };
	}
};

let browser: MemoryBrowser;
let drafts: Drafts;
const open = (key: string, value = '', version = 1) =>
	drafts.open(key, { value, version }, transport);

beforeEach(async () => {
	vi.useFakeTimers();
	sent.length = 0;
	reachable = true;
	browser = new MemoryBrowser();
	drafts = new Drafts(await Copies.open(browser.store(), browser.channel(), 'page'));
});

afterEach(() => {
	vi.useRealTimers();
});

test('a draft goes on when its page is left and is found again on return', async () => {
	reachable = false;
	const draft = open('step:1');
	draft.change('typed');
	await vi.advanceTimersByTimeAsync(1_000);
	expect(open('step:1')).toBe(draft);
	expect(draft.value).toBe('typed');
	reachable = true;
	await vi.advanceTimersByTimeAsync(60_000);
	expect(draft.state).toBe('saved');
});

test('a return sees what has been written elsewhere', () => {
	const draft = open('step:1');
	open('step:1', 'elsewhere', 2);
	expect(draft.value).toBe('elsewhere');
});

test('all of them are sent when the page is left, and tried again together', async () => {
	reachable = false;
	open('step:1').change('one');
	open('note:2').change('two');
	drafts.flush(true);
	await vi.advanceTimersByTimeAsync(1);
	expect(sent).toEqual([
		['one', true],
		['two', true]
	]);
	expect(drafts.safe).toBe(true);
	expect(drafts.unsent).toBe(2);
	// One that the browser has no room for is enough for a question.
	browser.room = 0;
	open('note:2').change('two and more');
	await vi.advanceTimersByTimeAsync(1);
	expect(drafts.safe).toBe(false);
	reachable = true;
	drafts.retry();
	await vi.advanceTimersByTimeAsync(1);
	expect(drafts.safe).toBe(true);
	expect(drafts.unsent).toBe(0);
});

test('what another tab could not send counts too', async () => {
	const other = await Copies.open(browser.store(), browser.channel(), 'another page');
	await other.write('step:9', { value: 'typed', version: 1, unanswered: [] });
	await Promise.resolve();
	expect(drafts.unsent).toBe(1);
});

test('before a log-out everything is sent once more', async () => {
	reachable = false;
	open('step:1').change('typed');
	await vi.advanceTimersByTimeAsync(10_000);
	reachable = true;
	open('note:2').change('just typed');
	const unsent = drafts.settle();
	await vi.advanceTimersByTimeAsync(100);
	expect(await unsent).toBe(0);
	expect(sent.slice(-2).map(([value]) => value)).toEqual(['typed', 'just typed']);
});

test('before a log-out what cannot be sent is counted, and kept', async () => {
	reachable = false;
	open('step:1').change('typed');
	const unsent = drafts.settle();
	await vi.advanceTimersByTimeAsync(2_000);
	expect(await unsent).toBe(1);
	expect(browser.items.size).toBe(1);
});

test('forgetting leaves neither text nor activity', async () => {
	reachable = false;
	open('step:1').change('typed');
	await vi.advanceTimersByTimeAsync(1_000);
	const attempts = sent.length;
	drafts.forget();
	await vi.advanceTimersByTimeAsync(600_000);
	expect(sent).toHaveLength(attempts);
	expect(browser.items.size).toBe(0);
	expect(open('step:1').value).toBe('');
});

test('a text that cannot be sent says why, and may be given up', async () => {
	const other = await Copies.open(browser.store(), browser.channel(), 'a page that is gone');
	await other.write('step:9', { value: 'typed', version: 1, unanswered: [] });
	await vi.advanceTimersByTimeAsync(1);
	const gone = new ApiError(404, 'RES_003', 'Not found.');
	drafts.refuse('step:9', gone);
	const text = { key: 'step:9', page: 'a page that is gone', value: 'typed', conflict: false };
	expect(drafts.texts()).toEqual([{ ...text, problem: gone }]);

	// It has been brought back from the trash.
	reachable = false;
	const draft = open('step:9');
	await vi.advanceTimersByTimeAsync(1);
	expect(drafts.texts()).toEqual([{ ...text, page: 'page', problem: null }]);
	await drafts.giveUp('step:9', 'page');
	expect(drafts.texts()).toEqual([]);
	expect(browser.items.size).toBe(0);
	await vi.advanceTimersByTimeAsync(60_000);
	expect(sent).toEqual([]);
	expect(draft.state).not.toBe('saved');
});

test('what the server refused of an open page, and what was changed elsewhere, is told too', async () => {
	const refusing = { ...transport, write: () => Promise.reject(new ApiError(404, 'RES_003', '')) };
	drafts.open('step:1', { value: '', version: 1 }, refusing).change('typed');
	const other = await Copies.open(browser.store(), browser.channel(), 'a page that is gone');
	await other.write('step:2', { value: 'mine', version: 1, base: '', unanswered: [] });
	await vi.advanceTimersByTimeAsync(1_000);
	open('step:2', 'theirs', 2);
	await vi.advanceTimersByTimeAsync(1);
	expect(drafts.texts()).toMatchObject([
		{ key: 'step:1', problem: { status: 404 }, conflict: false },
		{ key: 'step:2', problem: null, conflict: true }
	]);
});

test('what pages left behind that are gone comes one after the other, and nothing of it is lost', async () => {
	const [first, second] = ['one', 'two'].map(async (value) => {
		const copies = await Copies.open(browser.store(), browser.channel(), `the page of ${value}`);
		await copies.write('step:1', { value, version: 1, base: '', unanswered: [] });
	});
	await first;
	await second;
	await vi.advanceTimersByTimeAsync(1);
	const inherit = async () => {
		for (const [key, left] of drafts.orphans(() => false)) drafts.inherit(key, left);
		await vi.advanceTimersByTimeAsync(1);
	};
	const draft = open('step:1');
	await inherit();
	expect(drafts.texts().map(({ value }) => value)).toEqual(['two', 'one']);

	await vi.advanceTimersByTimeAsync(1_000);
	expect(draft.state).toBe('saved');
	expect(draft.value).toBe('one');
	expect(drafts.unsent).toBe(1);

	await inherit();
	expect(draft.state).toBe('conflict');
	expect(draft.value).toBe('two');
	expect(draft.theirs?.value).toBe('one');
	draft.resolve('one two');
	await vi.advanceTimersByTimeAsync(1_000);

	// The page of one was still about to close.
	const closing = await Copies.open(browser.store(), browser.channel(), 'the page of one');
	await closing.write('step:1', { value: 'one', version: 1, base: '', unanswered: ['one'] });
	await vi.advanceTimersByTimeAsync(1);
	await inherit();
	expect(draft.state).toBe('saved');
	expect(sent.map(([value]) => value)).toEqual(['one', 'one two']);
	expect(drafts.unsent).toBe(0);
	expect(browser.items.size).toBe(0);
});

test('what is written in a tab that is still there is left to it', async () => {
	const other = await Copies.open(browser.store(), browser.channel(), 'another page');
	open('step:1').change('mine');
	await other.write('step:1', { value: 'of the other', version: 1, base: '', unanswered: [] });
	await vi.advanceTimersByTimeAsync(2_000);
	expect(drafts.orphans((page) => page === 'another page')).toEqual([]);
	expect(sent.map(([value]) => value)).toEqual(['mine']);
	expect(other.read<string>('step:1')?.value).toBe('of the other');
	expect(drafts.texts()).toMatchObject([{ page: 'another page', value: 'of the other' }]);
});

test('what a page left behind and the server has, beside what was added since, is no conflict', async () => {
	const fields: Transport<Record<string, string>> = {
		read: (object) => object as { value: Record<string, string>; version: number },
		write: async (value, version) => ({ value, version: version + 1 })
	};
	const now = { value: { theme: 'first', pain: 'second' }, version: 3 };
	const draft = drafts.open('step:1', now, fields);
	drafts.inherit('step:1', {
		value: { theme: 'first', pain: '' },
		version: 1,
		base: { theme: '', pain: '' },
		unanswered: [],
		page: 'gone'
	});
	expect(draft.state).toBe('saved');
	expect(draft.value).toEqual(now.value);
	expect(drafts.unsent).toBe(0);
});
