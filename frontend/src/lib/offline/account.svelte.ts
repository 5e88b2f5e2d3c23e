import { untrack } from 'svelte';
import { baseUrl } from '$lib/api/base';
import { ApiError, isUnreachable } from '$lib/api/errors';
import { session } from '$lib/session';
import { Answers, isJson } from './answers';
import { connection } from './connection.svelte';
import { actionOf, Writes } from './writes.svelte';

/** What is kept of whoever is signed in. */
class Kept {
	readonly answers: Answers;
	readonly writes: Writes;

	constructor(readonly account: string) {
		this.answers = new Answers(account);
		this.writes = new Writes(account, this.answers, session.fetch);
	}
}

/** A secret, or too large, or of the moment. */
const NOT_KEPT = /\/(auth|account)\/|\/export\/|\/search\/|\/keywords\//;
const RETRY = 15_000;

let kept = $state.raw<Kept | null>(null);

function keptOf(account: string): Kept {
	if (kept?.account !== account) {
		kept = new Kept(account);
		void kept.answers.clearOthers();
		void kept.answers.tidy();
		void kept.writes.load().then(resend);
	}
	return kept;
}

/** What waits for the network. */
export const writes = {
	get list() {
		return kept?.writes.list ?? [];
	},
	send: async () => kept?.writes.send(),
	remove: async (number: number) => kept?.writes.remove(number)
};

/** An object that was read before, without asking the server. */
export const known = async (id: string): Promise<unknown> => kept?.answers.find(id) ?? null;

/** A request of the API's client: without a network a read is answered from what was read before, and a write waits. */
export async function fetchOrRemember(request: Request): Promise<Response> {
	const { page } = connection;
	await session.start();
	const { user } = session;
	if (!user) return session.fetch(request);
	const { answers, writes } = untrack(() => keptOf(user.id));
	const isRead = request.method === 'GET';
	const action = actionOf(request);
	const again = action && request.clone();
	const undone = action && (await writes.undo(request.url, action));
	if (undone) return undone;
	// What was done first has to arrive first.
	if (untrack(() => writes.due)) await writes.send();
	// The server may well answer, only not take it yet.
	if (again && untrack(() => writes.due) && session.user?.id === user.id)
		return writes.defer(again, action);
	try {
		const response = await session.fetch(request);
		if (isUnreachable(response.status)) {
			connection.lost();
			return (isRead && (await fromMemory(answers, request, page))) || response;
		}
		connection.answered(isRead ? request.url : undefined);
		if (response.ok && session.user?.id === user.id) {
			if (!isRead) await answers.absorb(request.method, request.url, response);
			else if (isJson(response) && !NOT_KEPT.test(request.url)) {
				const copy = response.clone();
				void copy.json().then((body) => answers.keep(request.url, body));
			}
		}
		return response;
	} catch (error) {
		// No answer, or the session could not be renewed for want of one.
		if (!(error instanceof ApiError) || !error.temporary) throw error;
		if (error.unreachable) connection.lost();
		if (session.user?.id !== user.id) throw error;
		if (again) return writes.defer(again, action);
		const remembered = isRead && (await fromMemory(answers, request, page));
		if (!remembered) throw error;
		return remembered;
	}
}

async function fromMemory(
	answers: Answers,
	{ url }: Request,
	page: number
): Promise<Response | null> {
	const answer = await answers.read(url);
	if (!answer) return null;
	connection.remember(url, answer.at, page);
	return Response.json(answer.body);
}

$effect.root(() => {
	$effect(() => {
		const { user, ended } = session;
		untrack(() => {
			if (user) keptOf(user.id);
			else if (ended) {
				connection.turn();
				// What was done waits for the same person; after a log-out there is nothing to wait for.
				if (ended === 'choice') void kept?.writes.clear();
				kept = null;
				void Answers.clear();
			}
		});
	});
});

const resend = () => {
	if (kept?.writes.due) void kept.writes.send();
};

/** Finds out that the server is there again, though nobody asks it for anything. */
async function ask() {
	try {
		const { status } = await session.fetch(
			new Request(new URL(`${baseUrl}/health/`, location.href))
		);
		if (!isUnreachable(status)) connection.answered();
	} catch (error) {
		if (!(error instanceof ApiError)) throw error;
	}
}

addEventListener('online', resend);
setInterval(() => {
	resend();
	if (kept && connection.offline) void ask();
}, RETRY);
