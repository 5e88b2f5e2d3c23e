import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { beforeEach, expect, test } from 'vitest';

// SvelteKit lets nobody but its own build import the script of a service worker.
const { outputText: script } = ts.transpileModule(
	readFileSync(new URL('service-worker.ts', import.meta.url), 'utf8'),
	{ compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ESNext } }
);

/** What the server has now, and what Cache Storage holds. */
const server = new Map<string, string>();
const stored = new Map<string, Map<string, string>>();
let online = true;

async function get(request: string | Request): Promise<Response> {
	const address = typeof request === 'string' ? request : new URL(request.url).pathname;
	if (!online) throw new TypeError('Failed to fetch');
	const body = server.get(address);
	return new Response(body ?? null, { status: body === undefined ? 404 : 200 });
}

const cache = (files: Map<string, string>) => ({
	put: async (address: string, response: Response) => files.set(address, await response.text()),
	async addAll(addresses: string[]) {
		const answers = await Promise.all(addresses.map(get));
		if (!answers.every(({ ok }) => ok)) throw new TypeError('Request failed');
		for (const [index, answer] of answers.entries())
			files.set(addresses[index]!, await answer.text());
	}
});

const storage = {
	has: async (name: string) => stored.has(name),
	keys: async () => [...stored.keys()],
	delete: async (name: string) => stored.delete(name),
	async open(name: string) {
		if (!stored.has(name)) stored.set(name, new Map());
		return cache(stored.get(name)!);
	},
	async match(request: string | Request, { cacheName }: { cacheName?: string } = {}) {
		const address = typeof request === 'string' ? request : new URL(request.url).pathname;
		const caches = cacheName ? [stored.get(cacheName)] : [...stored.values()];
		const body = caches.find((files) => files?.has(address))?.get(address);
		return body === undefined ? undefined : new Response(body);
	}
};

/** A worker, as the browser runs the script of one release. */
function worker(version: string, file: string) {
	const handlers: Record<string, (event: unknown) => void> = {};
	const self = {
		addEventListener: (type: string, handle: () => void) => (handlers[type] = handle),
		skipWaiting: async () => {},
		clients: { claim: async () => {} }
	};
	const release = { build: [file], prerendered: [], version };
	const location = new URL('https://example.org/');
	const run = new Function('exports', 'require', 'self', 'caches', 'fetch', 'location', script);
	run({}, () => release, self, storage, get, location);
	const lasting = async (type: string) => {
		let work: Promise<void> | undefined;
		handlers[type]!({ waitUntil: (promise: Promise<void>) => (work = promise) });
		await work;
	};
	return {
		install: () => lasting('install'),
		activate: () => lasting('activate'),
		async opens(address: string, mode = 'no-cors') {
			const url = `https://example.org${address}`;
			let answer: Promise<Response> | undefined;
			handlers.fetch!({
				request: { url, method: 'GET', mode },
				respondWith: (promise: Promise<Response>) => (answer = promise)
			});
			return (await answer!).text();
		}
	};
}

const FIRST = '/_app/immutable/entry/start.first.js';
const SECOND = '/_app/immutable/entry/start.second.js';

function deploy(file: string) {
	server.clear();
	server.set('/', `<script src="${file}">`);
	server.set(file, file);
}

beforeEach(() => {
	stored.clear();
	online = true;
});

async function running(version: string) {
	deploy(FIRST);
	const first = worker(version, FIRST);
	await first.install();
	await first.activate();
	return first;
}

test('a release takes the place of the one before, whose files stay for the tabs that have it open', async () => {
	await running('one');
	deploy(SECOND);
	const second = worker('two', SECOND);
	await second.install();
	await second.activate();
	online = false;
	expect(await second.opens('/rounds/1', 'navigate')).toContain(SECOND);
	expect(await second.opens(FIRST)).toBe(FIRST);
});

// The second time as in a deploy that names no commit, or one of the same commit.
test.each(['two', 'one'])(
	'a failed update to %s leaves what opens without a network',
	async (version) => {
		const first = await running('one');
		deploy(SECOND);
		server.delete(SECOND);
		await expect(worker(version, SECOND).install()).rejects.toThrow();
		online = false;
		expect(await first.opens('/', 'navigate')).toContain(FIRST);
		expect(await first.opens(FIRST)).toBe(FIRST);
		expect([...stored.keys()]).toEqual(['page-one']);
	}
);

test.each(['two', 'one'])(
	'a deploy under way, in which the page is not yet of %s, leaves it too',
	async (version) => {
		const first = await running('one');
		server.set(SECOND, SECOND);
		await expect(worker(version, SECOND).install()).rejects.toThrow('another version');
		online = false;
		expect(await first.opens('/', 'navigate')).toContain(FIRST);
		expect([...stored.keys()]).toEqual(['page-one']);
	}
);
