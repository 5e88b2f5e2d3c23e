import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ApiError } from '$lib/api/errors';
import { Copies } from './copies';
import { Draft, type Transport } from './draft.svelte';
import { MemoryBrowser } from './memory-store.test-helper';

interface Thing {
	text: string;
	version: number;
}

/** A server with one object, optimistic locking and a network that can be taken away. */
class Server implements Transport<string> {
	thing: Thing = { text: '', version: 1 };
	requests: string[] = [];
	times: number[] = [];
	leaving: boolean[] = [];
	atOnce = 0;
	most = 0;
	latency = 10;
	reachable = true;
	/** What the next request meets instead of an answer. */
	refusals: ApiError[] = [];
	/** The next answers are lost on the way back. */
	lost = 0;

	read(object: unknown) {
		const { text, version } = object as Thing;
		return { value: text, version };
	}

	async write(value: string, version: number, leaving: boolean): Promise<Thing> {
		this.requests.push(value);
		this.times.push(Date.now());
		this.leaving.push(leaving);
		this.most = Math.max(this.most, ++this.atOnce);
		await new Promise((resolve) => setTimeout(resolve, this.latency));
		this.atOnce--;
		if (!this.reachable) throw ApiError.offline();
		const refusal = this.refusals.shift();
		if (refusal) throw refusal;
		if (version !== this.thing.version) {
			throw new ApiError(409, 'BIZ_002', 'changed', [], null, null, { ...this.thing });
		}
		this.thing = { text: value, version: version + 1 };
		if (this.lost-- > 0) throw ApiError.offline();
		return { ...this.thing };
	}

	/** Another device writes. */
	change(text: string) {
		this.thing = { text, version: this.thing.version + 1 };
	}
}

const pause = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

let browser: MemoryBrowser;
let server: Server;

const copies = (page = 'page 1') => Copies.open(browser.store(), browser.channel(), page);
const open = async (page?: string) =>
	new Draft<string>('step:1', { ...server.thing }, server, await copies(page));

beforeEach(() => {
	vi.useFakeTimers();
	browser = new MemoryBrowser();
	server = new Server();
});

afterEach(() => {
	vi.useRealTimers();
});

describe('typing', () => {
	test('is saved 800 ms after the last key', async () => {
		const draft = await open();
		draft.change('a');
		await pause(500);
		draft.change('ab');
		await pause(799);
		expect(server.requests).toEqual([]);
		expect(draft.state).toBe('waiting');
		await pause(1);
		expect(draft.state).toBe('saving');
		await pause(10);
		expect(draft.state).toBe('saved');
		expect(server.thing).toEqual({ text: 'ab', version: 2 });
	});

	test('is what makes an object written, and so does a copy of it', async () => {
		const draft = await open();
		expect(draft.written).toBe(false);
		draft.change('a');
		expect(draft.written).toBe(true);
		expect((await open('page 2')).written).toBe(true);
		await pause(1_000);
		expect(draft.written).toBe(true);
		expect((await open('page 3')).written).toBe(false);
	});

	test('on during a request: one at a time, the latest text wins', async () => {
		server.latency = 3_000;
		const draft = await open();
		for (const text of ['a', 'ab', 'abc', 'abcd']) {
			draft.change(text);
			await pause(900);
		}
		await pause(10_000);
		expect(server.requests).toEqual(['a', 'abcd']);
		expect(server.most).toBe(1);
		expect(server.thing.text).toBe('abcd');
		expect(draft.state).toBe('saved');
	});

	test('goes on with the version of the last answer', async () => {
		const draft = await open();
		for (const text of ['a', 'ab', 'abc']) {
			draft.change(text);
			await pause(1_000);
		}
		expect(server.thing).toEqual({ text: 'abc', version: 4 });
	});

	test('nothing new sends nothing', async () => {
		const draft = await open();
		draft.flush();
		draft.retry();
		draft.compose(true);
		draft.compose(false);
		await pause(60_000);
		expect(server.requests).toEqual([]);
	});
});

describe('an input method', () => {
	test('is left alone while it composes, however long', async () => {
		const draft = await open();
		draft.compose(true);
		draft.change('お');
		draft.change('おん');
		await pause(60_000);
		draft.flush();
		await pause(60_000);
		expect(server.requests).toEqual([]);
		expect((await copies()).read<string>('step:1')?.value).toBe('おん');
		draft.change('温度');
		draft.compose(false);
		await pause(810);
		expect(server.requests).toEqual(['温度']);
	});

	test('that begins within the pause holds the save back', async () => {
		const draft = await open();
		draft.change('温度');
		await pause(700);
		draft.compose(true);
		await pause(5_000);
		expect(server.requests).toEqual([]);
		draft.compose(false);
		await pause(810);
		expect(server.requests).toEqual(['温度']);
	});

	test('holds back a retry and what is due after an answer, too', async () => {
		server.reachable = false;
		const draft = await open();
		draft.change('a');
		await pause(810);
		draft.compose(true);
		draft.change('aお');
		await pause(60_000);
		expect(server.requests).toEqual(['a']);
		server.reachable = true;
		draft.compose(false);
		await pause(810);
		expect(server.thing.text).toBe('aお');
	});

	test('does not hold back the last chance before the page goes', async () => {
		const draft = await open();
		draft.compose(true);
		draft.change('おん');
		draft.flush(true);
		expect(server.requests).toEqual(['おん']);
		expect(server.leaving).toEqual([true]);
	});
});

describe('leaving', () => {
	test('sends at once what still waits for the pause', async () => {
		const draft = await open();
		draft.change('a');
		draft.flush();
		await pause(10);
		expect(server.thing.text).toBe('a');
		await pause(5_000);
		expect(server.requests).toEqual(['a']);
	});

	test('during a request sends the newer text right after it', async () => {
		server.latency = 100;
		const draft = await open();
		draft.change('a');
		draft.flush();
		draft.change('ab');
		draft.flush();
		await pause(201);
		expect(server.requests).toEqual(['a', 'ab']);
		expect(draft.state).toBe('saved');
	});

	test('is safe in an outage, since the browser keeps the text', async () => {
		const draft = await open();
		expect(draft.safe).toBe(true);
		draft.change('a');
		expect(draft.safe).toBe(true);
		server.reachable = false;
		await pause(820);
		expect(draft.problem?.code).toBe('OFFLINE');
		expect(draft.safe).toBe(true);
		server.reachable = true;
		await pause(5_000);
		expect(draft.safe).toBe(true);
	});

	test.each([
		['failed', new ApiError(422, 'VAL_003', 'too long')],
		['conflict', new ApiError(409, 'BIZ_002', 'changed', [], null, null, { text: 'b', version: 3 })]
	])(
		'is safe with a text that is kept until somebody looks after it: %s',
		async (state, refusal) => {
			const draft = await open();
			server.refusals = [refusal];
			draft.change('a');
			await pause(820);
			expect(draft.state).toBe(state);
			expect(draft.safe).toBe(true);
		}
	);

	test('is not safe when the browser could not keep the text', async () => {
		browser.room = 0;
		const draft = await open();
		draft.change('a');
		await pause(0);
		expect(draft.safe).toBe(false);
	});
});

describe('without an answer', () => {
	test('tries again, less and less often, with the latest text', async () => {
		server.reachable = false;
		const draft = await open();
		draft.change('a');
		await pause(820);
		expect(draft.state).toBe('waiting');
		expect(draft.problem?.code).toBe('OFFLINE');
		draft.change('ab');
		await pause(130_000);
		const gaps = server.times.slice(1).map((time, index) => (time - server.times[index]!) / 1_000);
		expect(gaps.map(Math.round)).toEqual([1, 2, 4, 8, 16, 30, 30, 30]);
		server.reachable = true;
		await pause(31_000);
		expect(server.thing.text).toBe('ab');
		expect(draft.state).toBe('saved');
		expect(draft.problem).toBeNull();
	});

	test('tries at once when the browser is online again', async () => {
		server.reachable = false;
		const draft = await open();
		draft.change('a');
		await pause(60_000);
		server.reachable = true;
		draft.retry();
		await pause(10);
		expect(draft.state).toBe('saved');
	});

	test('waits as long as the server says, whatever is typed and left', async () => {
		server.refusals = [new ApiError(429, 'SRV_004', 'too many', [], null, 20)];
		const draft = await open();
		draft.change('a');
		await pause(810);
		draft.change('ab');
		draft.flush();
		await pause(19_900);
		expect(server.requests).toEqual(['a']);
		await pause(200);
		expect(server.requests).toEqual(['a', 'ab']);
		expect(draft.state).toBe('saved');
	});

	test.each([500, 502, 503])('tries again after %i', async (status) => {
		server.refusals = [new ApiError(status, 'SRV_001', 'broken')];
		const draft = await open();
		draft.change('a');
		await pause(810);
		expect(draft.state).toBe('waiting');
		await pause(1_100);
		expect(draft.state).toBe('saved');
	});

	test('an answer that was lost is not taken for a conflict', async () => {
		server.lost = 1;
		const draft = await open();
		draft.change('a');
		await pause(820);
		expect(server.thing).toEqual({ text: 'a', version: 2 });
		expect(draft.state).toBe('waiting');
		await pause(1_100);
		expect(draft.state).toBe('saved');
		draft.change('ab');
		await pause(820);
		expect(server.thing).toEqual({ text: 'ab', version: 3 });
	});

	test('an answer that was lost is not taken for a conflict when typing went on', async () => {
		server.lost = 1;
		const draft = await open();
		draft.change('a');
		await pause(815);
		draft.change('ab');
		await pause(5_000);
		expect(draft.state).toBe('saved');
		expect(server.thing).toEqual({ text: 'ab', version: 3 });
	});
});

describe('a refusal', () => {
	const refusal = () =>
		new ApiError(422, 'VAL_003', 'too long', [{ field: 'text', reason: 'Too long.' }]);

	test('keeps the text, says why, and is not repeated by itself', async () => {
		server.refusals = [refusal()];
		const draft = await open();
		draft.change('too long');
		await pause(120_000);
		draft.flush();
		await pause(1_000);
		expect(server.requests).toEqual(['too long']);
		expect(draft.state).toBe('failed');
		expect(draft.problem?.details).toEqual([{ field: 'text', reason: 'Too long.' }]);
		expect(draft.value).toBe('too long');
		expect((await copies()).read<string>('step:1')?.value).toBe('too long');
	});

	test('ends with the next change', async () => {
		server.refusals = [refusal()];
		const draft = await open();
		draft.change('too long');
		await pause(1_000);
		draft.change('short');
		await pause(1_000);
		expect(draft.state).toBe('saved');
		expect(draft.problem).toBeNull();
		expect(server.thing.text).toBe('short');
	});

	test('of a text that has changed since is followed by the new one', async () => {
		server.latency = 2_000;
		server.refusals = [refusal()];
		const draft = await open();
		draft.change('too long');
		await pause(900);
		draft.change('short');
		await pause(6_000);
		expect(draft.state).toBe('saved');
		expect(server.thing.text).toBe('short');
	});

	test('for want of a session waits for the next one', async () => {
		server.refusals = [new ApiError(401, 'AUTH_003', 'expired')];
		const draft = await open();
		draft.change('a');
		await pause(60_000);
		expect(draft.state).toBe('waiting');
		expect(server.requests).toEqual(['a']);
		draft.retry();
		await pause(10);
		expect(draft.state).toBe('saved');
	});
});

describe('a conflict', () => {
	async function conflict() {
		const draft = await open();
		server.change('theirs');
		draft.change('mine');
		await pause(820);
		return draft;
	}

	test('shows both and sends nothing more', async () => {
		const draft = await conflict();
		expect(draft.state).toBe('conflict');
		expect(draft.value).toBe('mine');
		expect(draft.theirs).toEqual({ value: 'theirs', version: 2 });
		draft.change('mine and more');
		draft.flush();
		draft.retry();
		await pause(60_000);
		expect(server.requests).toEqual(['mine']);
		expect((await copies()).read<string>('step:1')?.value).toBe('mine and more');
	});

	test('mine can be kept', async () => {
		const draft = await conflict();
		draft.change('mine and more');
		draft.resolve(draft.value);
		await pause(10);
		expect(draft.state).toBe('saved');
		expect(server.thing).toEqual({ text: 'mine and more', version: 3 });
	});

	test('theirs can be taken, and mine brought back after all', async () => {
		const draft = await conflict();
		const mine = draft.value;
		draft.takeTheirs();
		expect(draft.value).toBe('theirs');
		expect(draft.state).toBe('saved');
		expect((await copies()).size).toBe(0);
		draft.change(mine);
		await pause(820);
		expect(server.thing).toEqual({ text: 'mine', version: 3 });
	});

	test('that changes once more is met again', async () => {
		const draft = await conflict();
		server.change('theirs, later');
		draft.resolve(draft.value);
		await pause(10);
		expect(draft.state).toBe('conflict');
		expect(draft.theirs?.value).toBe('theirs, later');
	});

	test('is none when something else about the object was changed', async () => {
		const draft = await open();
		server.change(server.thing.text);
		draft.change('mine');
		await pause(1_700);
		expect(draft.state).toBe('saved');
		expect(server.thing).toEqual({ text: 'mine', version: 3 });
	});

	test('knows what both began with, after a reload too', async () => {
		server.thing.text = 'begun';
		const draft = await open();
		server.change('theirs');
		draft.change('mine');
		await pause(820);
		expect(draft.base).toBe('begun');
		expect((await open('page 2')).base).toBe('begun');
	});

	test('can end with a text made of both', async () => {
		const draft = await conflict();
		draft.resolve('mine, theirs');
		await pause(10);
		expect(draft.value).toBe('mine, theirs');
		expect(server.thing).toEqual({ text: 'mine, theirs', version: 3 });
	});

	test('with the very same text is none', async () => {
		const draft = await open();
		server.change('same');
		draft.change('same');
		await pause(820);
		expect(draft.state).toBe('saved');
		expect(draft.theirs).toBeNull();
	});
});

describe('a reload', () => {
	test('brings back what was not sent, and sends it', async () => {
		server.reachable = false;
		(await open()).change('typed');
		const reloaded = await open('page 2');
		expect(reloaded.value).toBe('typed');
		expect(reloaded.state).toBe('waiting');
		server.reachable = true;
		await pause(820);
		expect(server.thing.text).toBe('typed');
		expect((await copies()).size).toBe(0);
	});

	test('finds nothing of what was saved', async () => {
		(await open()).change('typed');
		await pause(820);
		const reloaded = await open('page 2');
		expect(reloaded.state).toBe('saved');
		expect(reloaded.value).toBe('typed');
	});

	test('after the last save arrived without its answer is no conflict', async () => {
		const draft = await open();
		server.latency = 1_000;
		draft.change('a');
		draft.flush(true);
		draft.change('ab');
		// The page is gone here; only what it had sent arrives.
		draft.stop();
		await pause(1_000);
		expect(server.thing).toEqual({ text: 'a', version: 2 });
		const reloaded = await open('page 2');
		expect(reloaded.state).toBe('waiting');
		expect(reloaded.value).toBe('ab');
		await pause(2_000);
		expect(server.thing).toEqual({ text: 'ab', version: 3 });
	});

	test('whose text the server has already leaves no copy behind', async () => {
		const draft = await open();
		draft.change('a');
		draft.flush(true);
		draft.stop();
		await pause(10);
		const reloaded = await open('page 2');
		expect(reloaded.state).toBe('saved');
		expect((await copies()).size).toBe(0);
	});

	test('after somebody else wrote is a conflict with nothing lost', async () => {
		(await open()).change('mine');
		server.change('theirs');
		const reloaded = await open('page 2');
		expect(reloaded.state).toBe('conflict');
		expect(reloaded.value).toBe('mine');
		expect(reloaded.theirs?.value).toBe('theirs');
	});
});

describe('another visit', () => {
	test('shows what has been written elsewhere', async () => {
		const draft = await open();
		server.change('theirs');
		draft.refresh({ ...server.thing });
		expect(draft.value).toBe('theirs');
		expect(draft.state).toBe('saved');
	});

	test('keeps what is still unsent', async () => {
		const draft = await open();
		draft.change('mine');
		draft.refresh({ ...server.thing });
		expect(draft.value).toBe('mine');
		await pause(820);
		expect(server.thing.text).toBe('mine');
	});

	test('does not go back to an older answer', async () => {
		const draft = await open();
		const old = { ...server.thing };
		draft.change('mine');
		await pause(820);
		draft.refresh(old);
		expect(draft.value).toBe('mine');
	});

	test('that meets another text while ours is unsent is a conflict', async () => {
		const draft = await open();
		draft.change('mine');
		server.change('theirs');
		draft.refresh({ ...server.thing });
		expect(draft.state).toBe('conflict');
		server.change('theirs, later');
		draft.refresh({ ...server.thing });
		expect(draft.theirs?.value).toBe('theirs, later');
	});
});

test('a log-out leaves nothing behind, even when an answer comes later', async () => {
	server.reachable = false;
	const draft = await open();
	draft.change('a');
	draft.flush();
	draft.change('ab');
	draft.stop();
	(await copies()).clear();
	await pause(60_000);
	expect(server.requests).toEqual(['a']);
	expect((await copies()).size).toBe(0);
});
