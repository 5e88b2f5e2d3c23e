import { ApiError, isTemporary } from '$lib/api/errors';
import type { Answer, Answers } from './answers';
import { database, ofAccount } from './database';

/** What can be done without a network; a text that is being written has a draft instead. */
export type Action =
	| 'make_project'
	| 'make_node'
	| 'next_round'
	| 'complete'
	| 'pend'
	| 'reopen'
	| 'delete_project'
	| 'delete_node'
	| 'restore_project'
	| 'restore_node';

/** Something that was done without a network and waits to be sent. */
export interface Write {
	account: string;
	/** Its place in the order. */
	number: number;
	action: Action;
	method: string;
	url: string;
	body: string | null;
	/** What the thing is called. */
	title: string;
	/** What had in it what was deleted, so that it can be brought back at once. */
	taken?: Answer[];
	/** Sent at least once, without an answer: the server may have done it. */
	unanswered: boolean;
	/** Why the server did not take it. */
	refusal: { message: string } | null;
}

const ID = '([0-9a-f-]{36})';
const ACTIONS: [method: string, path: RegExp, action: (match: RegExpMatchArray) => Action][] = [
	['POST', /\/projects\/$/, () => 'make_project'],
	['POST', /\/nodes\/$/, () => 'make_node'],
	['POST', new RegExp(`/projects/${ID}/rounds/$`), () => 'next_round'],
	['POST', new RegExp(`/projects/${ID}/(complete|pend|reopen)/$`), ([, , verb]) => verb as Action],
	['DELETE', new RegExp(`/projects/${ID}/$`), () => 'delete_project'],
	['DELETE', new RegExp(`/nodes/${ID}/$`), () => 'delete_node'],
	['POST', new RegExp(`/projects/${ID}/restore/$`), () => 'restore_project'],
	['POST', new RegExp(`/nodes/${ID}/restore/$`), () => 'restore_node']
];
const STATUS = { complete: 'completed', pend: 'pending', reopen: 'active' } as const;
type Rest = keyof typeof STATUS;

/** What a request does, if it is one that can wait; an address has no query then. */
export function actionOf({ method, url }: Pick<Request, 'method' | 'url'>): Action | null {
	for (const [verb, path, action] of ACTIONS) {
		const match = method === verb && url.match(path);
		if (match) return action(match);
	}
	return null;
}

/** The address of the thing that a request is about. */
const thingUrl = (url: string) => url.replace(/\/(complete|pend|reopen|restore|rounds)\/$/, '/');

/** What one account did without a network, in its order. */
export class Writes {
	list = $state.raw<Write[]>([]);

	readonly #account: string;
	readonly #answers: Answers;
	readonly #fetch: (request: Request) => Promise<Response>;
	#sending: Promise<void> | null = null;

	constructor(account: string, answers: Answers, fetch: (request: Request) => Promise<Response>) {
		this.#account = account;
		this.#answers = answers;
		this.#fetch = fetch;
	}

	/** Reads what waits, in whatever tab it was done. */
	async load(): Promise<void> {
		try {
			this.list = await (await database()).getAll('writes', ofAccount(this.#account));
		} catch {
			this.list = [];
		}
	}

	/** Whether something is to be sent before anything else. */
	get due(): boolean {
		return this.list.some(({ refusal }) => !refusal);
	}

	/** Takes back a deletion that was never sent: the server need not hear of it. Null where there is none. */
	async undo(url: string, action: Action): Promise<Response | null> {
		const deletion = this.#deletion(url, action);
		if (!deletion || !(await this.#cancel(deletion.number))) return null;
		return this.#bringBack(deletion);
	}

	/**
	 * Lets a request wait. Answers as the server would where that is known already, else with an
	 * error that says that it waits; throws `OFFLINE` when the browser cannot keep it.
	 */
	async defer(request: Request, action: Action): Promise<Response> {
		const { method, url } = request;
		const body = (await request.text()) || null;
		const thing = thingUrl(url);
		const known = ((await this.#answers.read(thing))?.body ?? null) as Known | null;
		const deletion = this.#deletion(url, action);
		const named = body ? (JSON.parse(body) as Known) : null;
		await this.#add({
			action,
			method,
			url,
			body,
			title: named?.title ?? known?.title ?? deletion?.title ?? '',
			taken: method === 'DELETE' ? await this.#answers.having(idOf(url)) : undefined
		});
		if (deletion) return this.#bringBack(deletion);
		if (method === 'DELETE') {
			await this.#answers.remove(idOf(url));
			return new Response(null, { status: 204 });
		}
		if (isRest(action) && known) {
			const changed = { ...known, status: STATUS[action] };
			await this.#answers.update(changed);
			return Response.json(changed);
		}
		throw new ApiError(0, 'QUEUED', 'Kept until the server answers.');
	}

	/** Sends what waits, in its order, until one has no answer; of all tabs, one at a time. */
	send(): Promise<void> {
		return (this.#sending ??= this.#alone(async () => {
			await this.load();
			for (const write of this.list) {
				if (!write.refusal && !(await this.#sendOne(write))) return;
			}
		}).finally(() => (this.#sending = null)));
	}

	/** Gives up what the server refused, or what is not wanted any more. */
	async remove(number: number): Promise<void> {
		await (await database()).delete('writes', [this.#account, number]);
		await this.load();
	}

	async clear(): Promise<void> {
		this.list = [];
		try {
			await (await database()).delete('writes', ofAccount(this.#account));
		} catch {
			// Nothing is kept where there is no database.
		}
	}

	/** Whether the next one may follow. */
	async #sendOne(write: Write): Promise<boolean> {
		const { method, url, body, number } = write;
		// Given up while those before it were under way.
		if (!(await this.#begin(number))) return true;
		let response: Response;
		try {
			response = await this.#fetch(
				new Request(url, {
					method,
					...(body && { body, headers: { 'Content-Type': 'application/json' } })
				})
			);
		} catch (error) {
			if (!(error instanceof ApiError)) throw error;
			return false;
		}
		const { status } = response;
		if (isTemporary(status)) return false;
		if (response.ok) await this.#answers.absorb(method, url, response);
		else if (!(await this.#isDone(write, status))) {
			const { message } = await ApiError.from(response);
			await this.#put({ ...write, unanswered: true, refusal: { message } });
			return true;
		}
		await this.remove(number);
		return true;
	}

	/** A request that had arrived without its answer is refused the second time, and yet done. */
	async #isDone({ action, url }: Write, status: number): Promise<boolean> {
		if (action.startsWith('delete_')) return status === 404;
		if (!isRest(action) || status !== 400) return false;
		const response = await this.#fetch(new Request(thingUrl(url)));
		return response.ok && ((await response.json()) as Known).status === STATUS[action];
	}

	async #add(write: Omit<Write, 'account' | 'number' | 'unanswered' | 'refusal'>): Promise<void> {
		try {
			const { store } = (await database()).transaction('writes', 'readwrite', {
				durability: 'strict'
			});
			const waiting = await store.getAll(ofAccount(this.#account));
			// Pressed once more.
			const last = waiting.at(-1);
			const same =
				last && last.method === write.method && last.url === write.url && last.body === write.body;
			const number = same ? last.number : (last?.number ?? 0) + 1;
			const account = this.#account;
			await store.put({ ...write, account, number, unanswered: false, refusal: null });
		} catch {
			throw ApiError.offline();
		}
		await this.load();
	}

	/** The deletion that a request takes back, if that one waits too and all of it is known. */
	#deletion(url: string, action: Action): Write | undefined {
		if (!action.startsWith('restore_')) return;
		const deleted = thingUrl(url);
		return this.list.findLast(
			(write) =>
				write.method === 'DELETE' && write.url === deleted && !write.refusal && known(write)
		);
	}

	async #bringBack(deletion: Write): Promise<Response> {
		await this.#answers.bringBack(idOf(deletion.url), deletion.taken!);
		return Response.json(known(deletion));
	}

	/** Takes a write out, unless it may have reached the server; of all tabs, only one does either. */
	async #cancel(number: number): Promise<boolean> {
		const { store } = (await database()).transaction('writes', 'readwrite');
		const key: [string, number] = [this.#account, number];
		const unsent = (await store.get(key))?.unanswered === false;
		if (unsent) await store.delete(key);
		await this.load();
		return unsent;
	}

	/** Notes that a write is being sent; answers false when it does not wait any more. */
	async #begin(number: number): Promise<boolean> {
		const { store } = (await database()).transaction('writes', 'readwrite');
		const write = await store.get([this.#account, number]);
		if (write) await store.put({ ...write, unanswered: true });
		await this.load();
		return write !== undefined;
	}

	async #put(write: Write): Promise<void> {
		await (await database()).put('writes', write);
		await this.load();
	}

	async #alone(work: () => Promise<void>): Promise<void> {
		if (!navigator.locks) return work();
		await navigator.locks.request(`writes:${this.#account}`, work);
	}
}

interface Known {
	title?: string;
	status?: string;
}

/** What was deleted, as it was. */
const known = ({ taken, url }: Write) => taken?.find((answer) => answer.url === url)?.body;
const idOf = (url: string) => url.split('/').at(-2)!;
const isRest = (action: Action): action is Rest => action in STATUS;
