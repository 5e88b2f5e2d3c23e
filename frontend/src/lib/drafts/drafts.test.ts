import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ApiError } from '$lib/api/errors';
import { Copies } from './copies';
import type { Transport } from './draft.svelte';
import { Drafts } from './drafts';
import { MemoryBrowser } from './memory-store';

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
	const text = { key: 'step:9', value: 'typed', conflict: false };
	expect(drafts.texts()).toEqual([{ ...text, problem: gone }]);

	// It has been brought back from the trash.
	reachable = false;
	const draft = open('step:9');
	expect(drafts.texts()).toEqual([{ ...text, problem: null }]);
	await drafts.giveUp('step:9');
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
	expect(drafts.texts()).toMatchObject([
		{ key: 'step:1', problem: { status: 404 }, conflict: false },
		{ key: 'step:2', problem: null, conflict: true }
	]);
});
