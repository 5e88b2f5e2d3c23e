import 'fake-indexeddb/auto';
import { beforeEach, expect, test, vi } from 'vitest';
import { ApiError } from '$lib/api/errors';

const server = vi.hoisted(() => {
	vi.stubGlobal('navigator', { onLine: true });
	vi.stubGlobal('addEventListener', () => {});
	vi.stubGlobal('location', new URL('https://example.org/'));
	vi.useFakeTimers({ toFake: ['setInterval'] });
	return { answer: (): Response => new Response(), asked: [] as string[] };
});

vi.mock('$lib/session', () => ({
	session: {
		user: { id: 'alice' },
		start: async () => {},
		async fetch({ method, url }: Request) {
			server.asked.push(`${method} ${new URL(url).pathname}`);
			return server.answer();
		}
	}
}));

vi.mock('$lib/api/base', () => ({ baseUrl: 'https://api.example.org' }));

const { connection } = await import('./connection.svelte');
const { fetchOrRemember, writes } = await import('./account.svelte');

const made = (title: string) =>
	fetchOrRemember(
		new Request('https://api.example.org/projects/', {
			method: 'POST',
			headers: { 'Content-Type': 'application/json' },
			body: JSON.stringify({ title })
		})
	);
const PROJECT = 'https://api.example.org/projects/11111111-1111-4111-8111-111111111111/';
const project = { id: '11111111-1111-4111-8111-111111111111', version: 1, title: '倉庫' };
const read = async (url: string) => (await fetchOrRemember(new Request(url))).json();
const offline = () => {
	throw ApiError.offline();
};
const act = (method: string, url = PROJECT) => fetchOrRemember(new Request(url, { method }));
/** The page shows the project, and home a list with it. */
async function reads() {
	server.answer = () => Response.json(project);
	await read(PROJECT);
	server.answer = () => Response.json({ count: 1, results: [project] });
	await read('https://api.example.org/projects/');
	// What was read is kept beside the answer.
	await new Promise((resolve) => setTimeout(resolve, 20));
}

const waiting = () => writes.list.map(({ title }) => title);

beforeEach(() => {
	server.asked = [];
});

test('what has to wait behind another write is kept, and nobody is called offline', async () => {
	server.answer = offline;
	await expect(made('一')).rejects.toMatchObject({ code: 'QUEUED' });
	expect(connection.offline).toBe(true);
	connection.answered();

	server.answer = () => new Response(null, { status: 429 });
	server.asked = [];
	await expect(made('二')).rejects.toMatchObject({ code: 'QUEUED' });
	expect(server.asked).toEqual(['POST /projects/']);
	expect(waiting()).toEqual(['一', '二']);
	expect(connection.offline).toBe(false);

	server.answer = () => Response.json({ id: '1' }, { status: 201 });
	await writes.send();
	expect(waiting()).toEqual([]);
});

test('a deletion that was never sent is undone without the server', async () => {
	await reads();
	server.answer = offline;
	await act('DELETE');
	expect(await read('https://api.example.org/projects/')).toEqual({ count: 0, results: [] });
	await writes.remove(writes.list[0]!.number);
	await reads();
	server.answer = offline;
	await act('DELETE');
	server.asked = [];
	expect(await (await act('POST', `${PROJECT}restore/`)).json()).toEqual(project);
	expect(server.asked).toEqual([]);
	expect(writes.list).toEqual([]);
	expect(await read(PROJECT)).toEqual(project);
	expect(await read('https://api.example.org/projects/')).toEqual({ count: 1, results: [project] });
});

test('a deletion that may have arrived is undone on the page, and on the server when it answers', async () => {
	await reads();
	server.answer = offline;
	await act('DELETE');
	await writes.send();
	expect(await (await act('POST', `${PROJECT}restore/`)).json()).toEqual(project);
	expect(waiting()).toEqual(['倉庫', '倉庫']);
	expect(await read(PROJECT)).toEqual(project);
	server.asked = [];
	server.answer = () => Response.json(project);
	await writes.send();
	expect(server.asked.map((line) => line.split(' ')[0])).toEqual(['DELETE', 'POST']);
	expect(writes.list).toEqual([]);
});

test('what is given up while another one is under way is not sent after it', async () => {
	server.answer = offline;
	await expect(made('一')).rejects.toMatchObject({ code: 'QUEUED' });
	await expect(made('二')).rejects.toMatchObject({ code: 'QUEUED' });
	server.asked = [];
	let answer!: () => void;
	const answered = new Promise<void>((resolve) => (answer = resolve));
	server.answer = (() => answered.then(() => Response.json({ id: '1' }))) as never;
	const sending = writes.send();
	await vi.waitFor(() => expect(server.asked).toHaveLength(1));
	await writes.remove(writes.list[1]!.number);
	answer();
	await sending;
	expect(server.asked).toEqual(['POST /projects/']);
	expect(writes.list).toEqual([]);
});

test('what a page asked for that was left meanwhile is not said of the next one', async () => {
	await reads();
	let fail!: () => void;
	const failed = new Promise<void>((resolve) => (fail = resolve));
	server.answer = (() => failed.then(offline)) as never;
	const late = read(PROJECT);
	await vi.waitFor(() => expect(server.asked).toContain(`GET ${new URL(PROJECT).pathname}`));
	connection.turn();
	fail();
	expect(await late).toEqual(project);
	expect(connection.asOf).toBeNull();
});

test('a session that cannot be renewed, because nothing answers behind the proxy, is no network', async () => {
	await reads();
	connection.answered();
	server.answer = () => {
		throw new ApiError(503, 'SRV_003', 'Maintenance.');
	};
	expect(await read(PROJECT)).toEqual(project);
	expect(connection.offline).toBe(true);
	expect(connection.asOf).not.toBeNull();

	server.asked = [];
	server.answer = () => Response.json({ status: 'healthy' });
	await vi.advanceTimersByTimeAsync(15_000);
	expect(server.asked).toEqual(['GET /health/']);
	expect(connection.offline).toBe(false);
});
