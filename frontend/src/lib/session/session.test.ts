import { beforeEach, describe, expect, test } from 'vitest';
import { ApiError } from '$lib/api/errors';
import { Session, type Browser } from './session.svelte';

const MINUTE = 60_000;
const alice = {
	id: 'a',
	username: 'alice',
	email: 'alice@example.com',
	language: 'ja',
	theme: 'system'
} as const;
const bob = { ...alice, id: 'b', username: 'bob', email: 'bob@example.com' };

/** A server with rotating refresh tokens that ends the session when an old one comes back. */
class Server {
	accounts = [alice, bob];
	cookie: string | null = null;
	valid: string | null = null;
	owner: string = alice.id;
	serial = 0;
	reachable = true;
	answers: (Response | null)[] = [];
	log: string[] = [];
	accepted = new Set<string>();

	fetch = async (request: Request): Promise<Response> => {
		const path = new URL(request.url).pathname.replace('/api/v1', '');
		this.log.push(`${request.method} ${path}`);
		// A request takes a while, so that two tabs can overlap.
		await new Promise((resolve) => setTimeout(resolve, 5));
		if (!this.reachable) throw new TypeError('Failed to fetch');
		const prepared = this.answers.shift();
		if (prepared) return prepared;
		if (path === '/auth/login/') {
			const { username, password } = await request.json();
			const user = this.accounts.find((account) => account.username === username);
			if (!user || password !== 'right') return problem(401, 'AUTH_004');
			this.owner = user.id;
			this.valid = this.cookie = `refresh-${++this.serial}`;
			return Response.json({ access: this.#access(), user });
		}
		if (path === '/auth/refresh/') {
			if (!this.cookie || this.cookie !== this.valid) {
				this.valid = null;
				return problem(401, 'AUTH_002');
			}
			this.valid = this.cookie = `refresh-${++this.serial}`;
			return Response.json({ access: this.#access() });
		}
		if (path === '/auth/logout/') {
			this.valid = this.cookie = null;
			return new Response(null, { status: 204 });
		}
		const access = request.headers.get('Authorization')?.replace('Bearer ', '') ?? '';
		if (!this.accepted.has(access)) return problem(401, 'AUTH_003');
		if (path === '/auth/me/') {
			return Response.json(this.accounts.find((account) => account.id === this.owner));
		}
		return Response.json({ path, body: await request.text() });
	};

	expireAccess() {
		this.accepted.clear();
	}

	count(call: string) {
		return this.log.filter((entry) => entry === call).length;
	}

	#access() {
		const payload = { user_id: this.owner, iat: 0, exp: 15 * 60, jti: this.serial };
		const token = `x.${btoa(JSON.stringify(payload)).replace(/=+$/, '')}.x`;
		this.accepted.add(token);
		return token;
	}
}

function problem(status: number, code: string) {
	return Response.json({ error: { code, message: code } }, { status });
}

/** One browser with any number of tabs: shared storage, locks and channel. */
class Tabs {
	now = 0;
	left: Session[] = [];
	storage = new Map<string, string>();
	#channels: Browser['channel'][] = [];
	#queue: Promise<unknown> = Promise.resolve();

	constructor(readonly server: Server) {}

	open(): Session {
		const channel: Browser['channel'] = {
			onmessage: null,
			postMessage: (data) => {
				for (const other of this.#channels) {
					if (other !== channel) {
						setTimeout(() => other.onmessage?.({ data } as MessageEvent));
					}
				}
			}
		};
		this.#channels.push(channel);
		const tab: Session = new Session({
			baseUrl: 'https://thinkring.example/api/v1',
			fetch: (request) => this.server.fetch(request),
			locks: { request: (_name, work) => this.#alone(work) },
			channel,
			storage: {
				getItem: (key) => this.storage.get(key) ?? null,
				setItem: (key, value) => void this.storage.set(key, value),
				removeItem: (key) => void this.storage.delete(key)
			},
			language: () => 'ja',
			now: () => this.now,
			leave: () => this.left.push(tab)
		});
		return tab;
	}

	/** From now on no tab hears another, as when the browser froze them. */
	silence() {
		this.#channels = [];
	}

	#alone<T>(work: () => Promise<T>): Promise<T> {
		const turn = this.#queue.then(work);
		this.#queue = turn.catch(() => undefined);
		return turn;
	}
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 20));
const right = { username: 'alice', password: 'right' };
const get = (path: string) => new Request(`https://thinkring.example/api/v1${path}`);

let server: Server;
let tabs: Tabs;

beforeEach(() => {
	server = new Server();
	tabs = new Tabs(server);
});

async function signedInTab() {
	const tab = tabs.open();
	await tab.start();
	await tab.logIn(right);
	return tab;
}

describe('one tab', () => {
	test('a first visit is signed out and asks the server nothing', async () => {
		const tab = tabs.open();
		await tab.start();
		expect(tab.status).toBe('signed-out');
		expect(tab.ended).toBeNull();
		expect(server.log).toEqual([]);
	});

	test('logging in', async () => {
		const tab = await signedInTab();
		expect(tab.status).toBe('signed-in');
		expect(tab.user).toEqual(alice);
	});

	test('a wrong password is an error and changes nothing', async () => {
		const tab = tabs.open();
		await tab.start();
		const attempt = tab.logIn({ username: 'alice', password: 'wrong' });
		await expect(attempt).rejects.toMatchObject({ code: 'AUTH_004', status: 401 });
		expect(tab.status).toBe('signed-out');
		expect(tab.ended).toBeNull();
	});

	test('a reload finds the session again by the cookie', async () => {
		await signedInTab();
		const reloaded = tabs.open();
		await reloaded.start();
		expect(reloaded.status).toBe('signed-in');
		expect(reloaded.user).toEqual(alice);
	});

	test('nothing but who it was is kept in storage', async () => {
		await signedInTab();
		expect([...tabs.storage]).toEqual([['session', JSON.stringify(alice)]]);
	});

	test('a start without a network is for whoever was here last, and signs in when it is back', async () => {
		await signedInTab();
		server.reachable = false;
		const reloaded = tabs.open();
		await reloaded.start();
		expect(reloaded.status).toBe('signed-in');
		expect(reloaded.user).toEqual(alice);
		await expect(reloaded.fetch(get('/projects/'))).rejects.toMatchObject({ code: 'OFFLINE' });
		server.reachable = true;
		expect((await reloaded.fetch(get('/projects/'))).status).toBe(200);
		expect(reloaded.status).toBe('signed-in');
	});

	test('a start without a network that the server then refuses ends the session', async () => {
		await signedInTab();
		server.reachable = false;
		const reloaded = tabs.open();
		await reloaded.start();
		server.reachable = true;
		server.valid = null;
		expect((await reloaded.fetch(get('/projects/'))).status).toBe(401);
		expect(reloaded.status).toBe('signed-out');
		expect(reloaded.ended).toBe('expiry');
		expect(tabs.storage.size).toBe(0);
	});

	test('a start without a network for one account leaves when another has the cookie', async () => {
		await signedInTab();
		server.reachable = false;
		const reloaded = tabs.open();
		await reloaded.start();
		tabs.silence();
		server.reachable = true;
		const other = tabs.open();
		await other.logIn({ username: 'bob', password: 'right' });
		await settle();
		await reloaded.fetch(get('/projects/'));
		expect(tabs.left).toEqual([reloaded]);
		expect(reloaded.user).toBeNull();
	});

	test('a reload with only the hint of version 0.1 is unreachable, not signed out, and recovers', async () => {
		await signedInTab();
		tabs.storage.set('session', '1');
		server.reachable = false;
		const reloaded = tabs.open();
		await reloaded.start();
		expect(reloaded.status).toBe('unreachable');
		await expect(reloaded.fetch(get('/projects/'))).rejects.toMatchObject({ code: 'OFFLINE' });
		server.reachable = true;
		await reloaded.start();
		expect(reloaded.status).toBe('signed-in');
	});

	test('a refresh that meets maintenance does not sign out', async () => {
		const tab = await signedInTab();
		tabs.now += 15 * MINUTE;
		server.answers = [
			Response.json(
				{ error: { code: 'SRV_003', message: '' } },
				{ status: 503, headers: { 'Retry-After': '7' } }
			)
		];
		await expect(tab.fetch(get('/projects/'))).rejects.toMatchObject({
			code: 'SRV_003',
			retryAfter: 7
		});
		expect(tab.status).toBe('signed-in');
		expect((await tab.fetch(get('/projects/'))).status).toBe(200);
	});

	test('a token about to expire is renewed before it is used', async () => {
		const tab = await signedInTab();
		tabs.now += 14 * MINUTE + 31_000;
		expect((await tab.fetch(get('/projects/'))).status).toBe(200);
		expect(server.log.slice(-2)).toEqual(['POST /auth/refresh/', 'GET /projects/']);
	});

	test('a token refused on the way is renewed once and the request repeated with its body', async () => {
		const tab = await signedInTab();
		server.expireAccess();
		const response = await tab.fetch(
			new Request(get('/steps/1/'), { method: 'PATCH', body: 'text' })
		);
		expect(await response.json()).toEqual({ path: '/steps/1/', body: 'text' });
		expect(server.count('POST /auth/refresh/')).toBe(1);
	});

	test('after a change of the password both tabs have a token of the new session', async () => {
		const [tab, other] = [await signedInTab(), tabs.open()];
		await other.start();
		server.expireAccess();
		await tab.renew();
		await new Promise((resolve) => setTimeout(resolve));
		for (const one of [tab, other]) expect((await one.fetch(get('/projects/'))).status).toBe(200);
		expect(server.count('GET /projects/')).toBe(2);
	});

	test('many requests with a refused token cause one refresh', async () => {
		const tab = await signedInTab();
		server.expireAccess();
		const paths = ['/a/', '/b/', '/c/', '/d/'];
		const answers = await Promise.all(paths.map((path) => tab.fetch(get(path))));
		expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200]);
		expect(server.count('POST /auth/refresh/')).toBe(1);
	});

	test('a refused refresh ends the session and says that it expired', async () => {
		const tab = await signedInTab();
		server.valid = null;
		server.expireAccess();
		expect((await tab.fetch(get('/projects/'))).status).toBe(401);
		expect(tab.status).toBe('signed-out');
		expect(tab.ended).toBe('expiry');
		expect(tab.user).toBeNull();
		expect(server.count('GET /projects/')).toBe(1);
	});

	test('logging out', async () => {
		const tab = await signedInTab();
		await tab.logOut();
		expect(tab.status).toBe('signed-out');
		expect(tab.ended).toBe('choice');
		expect(tabs.storage.size).toBe(0);
		expect(server.cookie).toBeNull();
	});

	test('logging out without a network keeps the person signed in', async () => {
		const tab = await signedInTab();
		server.reachable = false;
		await expect(tab.logOut()).rejects.toMatchObject({ code: 'OFFLINE' });
		expect(tab.status).toBe('signed-in');
	});

	test('a read that the network lost is asked once more, a write is not', async () => {
		const tab = await signedInTab();
		const answer = server.fetch;
		let lost = 1;
		server.fetch = async (request) => {
			if (lost-- > 0) throw new TypeError('Failed to fetch');
			return answer(request);
		};
		expect((await tab.fetch(get('/projects/'))).status).toBe(200);
		lost = 1;
		const write = tab.fetch(new Request(get('/projects/'), { method: 'POST', body: '{}' }));
		await expect(write).rejects.toMatchObject({ code: 'OFFLINE' });
	});

	test('a request that its page gave up is not an offline error', async () => {
		const tab = await signedInTab();
		server.fetch = async (request) => {
			throw request.signal.reason;
		};
		const controller = new AbortController();
		controller.abort();
		const given = tab.fetch(new Request(get('/projects/'), { signal: controller.signal }));
		await expect(given).rejects.not.toBeInstanceOf(ApiError);
	});
});

describe('two tabs', () => {
	test('refreshing at once do not log each other out', async () => {
		const first = await signedInTab();
		const second = tabs.open();
		await second.start();
		server.expireAccess();
		const answers = await Promise.all([first.fetch(get('/a/')), second.fetch(get('/b/'))]);
		await settle();
		expect(answers.map((answer) => answer.status)).toEqual([200, 200]);
		expect([first.status, second.status]).toEqual(['signed-in', 'signed-in']);
	});

	test('starting at once do not log each other out', async () => {
		await signedInTab();
		const both = [tabs.open(), tabs.open()];
		await Promise.all(both.map((tab) => tab.start()));
		expect(both.map((tab) => tab.status)).toEqual(['signed-in', 'signed-in']);
	});

	test('the token one tab renewed serves the other', async () => {
		const first = await signedInTab();
		const second = tabs.open();
		await second.start();
		await settle();
		tabs.now += 15 * MINUTE;
		const before = server.count('POST /auth/refresh/');
		await first.fetch(get('/a/'));
		await settle();
		await second.fetch(get('/b/'));
		expect(server.count('POST /auth/refresh/') - before).toBe(1);
	});

	test('logging in reaches the other tab', async () => {
		const other = tabs.open();
		await other.start();
		await signedInTab();
		await settle();
		expect(other.status).toBe('signed-in');
		expect(other.user).toEqual(alice);
		expect((await other.fetch(get('/projects/'))).status).toBe(200);
	});

	test('logging out reaches the other tab', async () => {
		const first = await signedInTab();
		const second = tabs.open();
		await second.start();
		await first.logOut();
		await settle();
		expect(second.status).toBe('signed-out');
		expect(second.ended).toBe('choice');
	});

	test('logging out while the other tab refreshes stays logged out', async () => {
		const first = await signedInTab();
		const second = tabs.open();
		await second.start();
		server.expireAccess();
		await Promise.all([second.fetch(get('/a/')), first.logOut()]);
		await settle();
		expect([first.status, second.status]).toEqual(['signed-out', 'signed-out']);
		expect(server.cookie).toBeNull();
	});

	test('another account taking over makes the other tab leave its page', async () => {
		const first = await signedInTab();
		const second = tabs.open();
		await second.start();
		await second.logIn({ username: 'bob', password: 'right' });
		await settle();
		expect(tabs.left).toEqual([first]);
		expect(first.user).toBeNull();
	});

	test('a tab that slept through a change of account leaves its page at its next refresh', async () => {
		const first = await signedInTab();
		const second = tabs.open();
		await second.start();
		tabs.silence();
		await second.logIn({ username: 'bob', password: 'right' });
		await settle();
		expect(tabs.left).toEqual([]);
		server.expireAccess();
		const write = new Request(get('/projects/'), { method: 'POST', body: 'for alice' });
		expect((await first.fetch(write)).status).toBe(401);
		expect(tabs.left).toEqual([first]);
		expect(server.count('POST /projects/')).toBe(1);
	});
});
