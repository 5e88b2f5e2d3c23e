import { ApiError } from '$lib/api/errors';
import type { Credentials, NewAccount, User } from '$lib/api/types';
import { read } from './token';

/** What a session needs of the browser; a test hands in its own. */
export interface Browser {
	baseUrl: string;
	fetch: (request: Request) => Promise<Response>;
	/** Web Locks: of all tabs, one at a time uses the refresh cookie. */
	locks: { request<T>(name: string, work: () => Promise<T>): Promise<T> };
	channel: {
		postMessage(message: unknown): void;
		onmessage: ((event: MessageEvent) => void) | null;
	};
	storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
	language: () => string;
	now: () => number;
	/** Another account took over in another tab: nothing of the old one may stay on the page. */
	leave: () => void;
}

export type Status = 'starting' | 'signed-in' | 'signed-out' | 'unreachable';

type Message =
	| { type: 'signed-in'; access: string; user: User }
	| { type: 'refreshed'; access: string }
	| { type: 'signed-out'; by: 'choice' | 'expiry' };

const LOCK = 'session';
/**
 * Who was signed in last: a refresh cookie may be there, and without a network the page opens for
 * that person. Without it, a first visit asks for nothing.
 */
const HINT = 'session';
const TIMEOUT = 30_000;
const MARGIN = 30_000;
/** A server that does not answer for so long keeps nobody from what is here. */
const PATIENCE = 5_000;

/**
 * Who is signed in. The access token is kept in memory only; the refresh token is a
 * cookie that scripts cannot read. A token about to expire is renewed before it is used.
 */
export class Session {
	status = $state<Status>('starting');
	user = $state<User | null>(null);
	/** Why a session that was there is gone. */
	ended = $state<'choice' | 'expiry' | null>(null);

	#browser: Browser;
	#access: string | null = null;
	#renewAt = 0;
	#starting: Promise<void> | null = null;
	#refreshing: Promise<void> | null = null;

	constructor(browser: Browser) {
		this.#browser = browser;
		browser.channel.onmessage = ({ data }) => this.#hear(data as Message);
	}

	/** Finds out who is signed in; called again, it tries again only if the server was unreachable. */
	start(): Promise<void> {
		if (this.status === 'unreachable') this.#starting = null;
		return (this.#starting ??= this.#start());
	}

	async register(account: NewAccount): Promise<void> {
		await this.#signIn('/auth/register/', account);
	}

	async logIn(credentials: Credentials): Promise<void> {
		await this.#signIn('/auth/login/', credentials);
	}

	/** Ends the session on the server; without an answer the person stays signed in and is told so. */
	async logOut(): Promise<void> {
		await this.#browser.locks.request(LOCK, async () => {
			const response = await this.#send(this.#post('/auth/logout/'));
			if (!response.ok && response.status !== 401) throw await ApiError.from(response);
			this.#end('choice');
		});
	}

	/** Stores choices of the account. */
	async update(changes: Partial<Pick<User, 'language' | 'theme'>>): Promise<void> {
		const response = await this.fetch(
			new Request(this.#url('/auth/me/'), {
				method: 'PATCH',
				headers: { 'Content-Type': 'application/json' },
				body: JSON.stringify(changes)
			})
		);
		if (!response.ok) throw await ApiError.from(response);
		this.#welcome((await response.json()) as User);
	}

	/**
	 * Sends a request as the person signed in. A token that expired on the way is renewed
	 * once and the request repeated; no answer becomes an `OFFLINE` error.
	 */
	fetch = async (request: Request): Promise<Response> => {
		await this.start();
		if (this.status === 'unreachable') throw ApiError.offline();
		const again = request.clone();
		const access = await this.#token();
		const response = await this.#send(this.#authorized(request, access));
		if (response.status !== 401 || !access) return response;
		await this.#refresh(access);
		return this.#access ? this.#send(this.#authorized(again, this.#access)) : response;
	};

	/** What a request has to carry that is not sent by `fetch`, such as one that tells its progress. */
	headers = async (): Promise<Headers> => {
		await this.start();
		if (this.status === 'unreachable') throw ApiError.offline();
		return this.#authorized(new Request(this.#url('/')), await this.#token()).headers;
	};

	/** After what has ended the token and set a new cookie. */
	renew = (): Promise<void> => this.#refresh(this.#access);

	async #start(): Promise<void> {
		const hint = this.#browser.storage.getItem(HINT);
		if (!hint) {
			this.status = 'signed-out';
			return;
		}
		this.status = 'starting';
		const user = remembered(hint);
		const waiting = setTimeout(() => user && this.#startAlone(user), PATIENCE);
		try {
			await this.#refresh(this.#access);
			// A log-in in another tab may have answered meanwhile.
			if ((this.status as Status) !== 'starting') return;
			const me = new Request(this.#url('/auth/me/'));
			const response = await this.#send(this.#authorized(me, this.#access));
			if (!response.ok) throw await ApiError.from(response);
			this.#welcome((await response.json()) as User);
		} catch (error) {
			if (!(error instanceof ApiError)) throw error;
			if (user) this.#startAlone(user);
			else if (this.status === 'starting') this.status = 'unreachable';
		} finally {
			clearTimeout(waiting);
		}
	}

	/** Without the server: for whoever was here last; the first request that arrives signs in. */
	#startAlone(user: User) {
		if (this.status !== 'starting') return;
		this.user = user;
		this.status = 'signed-in';
	}

	#welcome(user: User) {
		this.#browser.storage.setItem(HINT, JSON.stringify(user));
		this.user = user;
		this.ended = null;
		this.status = 'signed-in';
	}

	async #signIn(path: string, body: object): Promise<void> {
		await this.#browser.locks.request(LOCK, async () => {
			const response = await this.#send(this.#post(path, body));
			if (!response.ok) throw await ApiError.from(response);
			const { access, user } = (await response.json()) as { access: string; user: User };
			this.#begin(access, user);
			this.#tell({ type: 'signed-in', access, user });
		});
	}

	/** The access token, renewed first when it is about to expire; null when signed out. */
	async #token(): Promise<string | null> {
		const expired = this.#access ? this.#browser.now() >= this.#renewAt : this.user !== null;
		if (expired) await this.#refresh(this.#access);
		return this.#access;
	}

	/** Replaces a token that is no longer good; many callers at once cause one request. */
	#refresh(stale: string | null): Promise<void> {
		return (this.#refreshing ??= this.#browser.locks
			.request(LOCK, () => this.#refreshAlone(stale))
			.finally(() => (this.#refreshing = null)));
	}

	async #refreshAlone(stale: string | null): Promise<void> {
		// While this tab waited for the lock, another one may have renewed or ended the session.
		if (this.#access !== stale || this.status === 'signed-out') return;
		const response = await this.#send(this.#post('/auth/refresh/'));
		if (response.status === 401) return this.#end('expiry');
		if (!response.ok) throw await ApiError.from(response);
		const { access } = (await response.json()) as { access: string };
		this.#tell({ type: 'refreshed', access });
		if (this.#isForeign(access)) return this.#leave();
		this.#keep(access);
	}

	#hear(message: Message) {
		if (message.type === 'signed-out') return this.#forget(message.by);
		if (this.#isForeign(message.access)) return this.#leave();
		if (message.type === 'signed-in') {
			this.#begin(message.access, message.user);
		} else if (this.status === 'signed-in') {
			this.#keep(message.access);
		}
	}

	#isForeign(access: string): boolean {
		return this.user !== null && this.user.id !== read(access).userId;
	}

	/** Gives up the token first: nothing typed for one account may be sent as another. */
	#leave() {
		this.#access = null;
		this.user = null;
		this.status = 'starting';
		this.#browser.leave();
	}

	#begin(access: string, user: User) {
		this.#keep(access);
		this.#welcome(user);
	}

	#end(by: 'choice' | 'expiry') {
		this.#browser.storage.removeItem(HINT);
		this.#forget(by);
		this.#tell({ type: 'signed-out', by });
	}

	#keep(access: string) {
		const { lifetime } = read(access);
		this.#access = access;
		this.#renewAt = this.#browser.now() + lifetime - Math.min(MARGIN, lifetime / 4);
	}

	#forget(by: 'choice' | 'expiry') {
		this.#access = null;
		this.user = null;
		if (this.status !== 'signed-out' || by === 'choice') this.ended = by;
		this.status = 'signed-out';
	}

	#tell(message: Message) {
		this.#browser.channel.postMessage(message);
	}

	/** A device that changes its network loses what was under way: a read is asked once more. */
	async #send(request: Request, again = request.method === 'GET'): Promise<Response> {
		const copy = again ? request.clone() : null;
		try {
			return await this.#browser.fetch(request);
		} catch (error) {
			if (request.signal.reason?.name === 'AbortError') throw error;
			if (copy) return this.#send(copy, false);
			throw ApiError.offline();
		}
	}

	#post(path: string, body?: object): Request {
		return this.#prepare(
			new Request(this.#url(path), {
				method: 'POST',
				...(body && {
					headers: { 'Content-Type': 'application/json' },
					body: JSON.stringify(body)
				})
			})
		);
	}

	#authorized(request: Request, access: string | null): Request {
		const prepared = this.#prepare(request);
		if (access) prepared.headers.set('Authorization', `Bearer ${access}`);
		return prepared;
	}

	#prepare(request: Request): Request {
		const prepared = new Request(request, {
			credentials: 'include',
			signal: AbortSignal.any([request.signal, AbortSignal.timeout(TIMEOUT)])
		});
		prepared.headers.set('Accept', 'application/json');
		prepared.headers.set('Accept-Language', this.#browser.language());
		return prepared;
	}

	#url(path: string): string {
		return this.#browser.baseUrl + path;
	}
}

/** Version 0.1 remembered that somebody was signed in, not who. */
function remembered(hint: string): User | null {
	try {
		const user = JSON.parse(hint) as Partial<User> | null;
		return typeof user?.id === 'string' ? (user as User) : null;
	} catch {
		return null;
	}
}
