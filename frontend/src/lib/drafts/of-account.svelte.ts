import { untrack } from 'svelte';
import { ApiError } from '$lib/api/errors';
import type { Node, Project, Round, Step } from '$lib/api/types';
import { known } from '$lib/offline/account.svelte';
import { session } from '$lib/session';
import { BrowserStore } from './browser-store';
import { Copies } from './copies';
import { Drafts } from './drafts';
import { PREFIX } from './kept-form.svelte';
import { placeOf } from './places';
import * as transports from './transports';

/** The drafts of whoever is signed in. */
let current = $state.raw<{ account: string; drafts: Drafts } | null>(null);
/** How many texts only this browser knows, in whatever tab they were written. */
let waiting = $state(0);

const page = crypto.randomUUID();
const pageLock = (page: string) => `page:${page}`;
// Held as long as this page lives, so that others know whether it still looks after its copies.
void navigator.locks?.request(pageLock(page), () => new Promise(() => {}));

async function open(account: string) {
	const channel = new BroadcastChannel(`copies:${account}`);
	const copies = await Copies.open(new BrowserStore(account), channel, page);
	if (session.user?.id !== account) return channel.close();
	current?.drafts.stop();
	const drafts = new Drafts(copies);
	copies.onchange = () => (waiting = drafts.unsent);
	copies.onsettled = (key, by) => void (by === page ? inherit() : reread(key));
	waiting = drafts.unsent;
	current = { account, drafts };
	await resume();
}

function drafts(): Drafts {
	return current!.drafts;
}

export const stepDraft = (object: Step) =>
	drafts().open(`step:${object.id}`, object, transports.step(object.id));

export const noteDraft = (object: Round) =>
	drafts().open(`note:${object.id}`, object, transports.note(object.id));

export const projectDraft = (object: Project) =>
	drafts().open(`project:${object.id}`, object, transports.project(object.id));

export const nodeDraft = (object: Node) =>
	drafts().open(`node:${object.id}`, object, transports.node(object.id));

/** The texts that are not on the server yet. */
export const texts = {
	/** Whether what was kept in this browser has been read; before that no draft can be opened. */
	get ready(): boolean {
		return current !== null && current.account === session.user?.id;
	},
	get unsent(): number {
		return waiting;
	},
	list() {
		void waiting;
		return (current?.drafts.texts() ?? []).map((text) => {
			const [kind, id] = text.key.split(':') as [string, string];
			const isGone = text.problem?.status === 404;
			return { ...text, kind, isGone, place: placeOf(kind, id, known, readStep) };
		});
	},
	send: resume,
	giveUp: async (key: string, page: string) => current?.drafts.giveUp(key, page)
};

const readStep = (id: string) => transports.kinds.step.read(id).catch(() => null);

/** Sends what waits for a pause in typing. */
export const flush = () => current?.drafts.flush();

/** Sends what can be sent, and answers how many texts only this browser knows after that. */
export const unsent = () => drafts().settle();

/** Sends what waits, and what pages left behind that are gone. */
async function resume() {
	current?.drafts.retry();
	await inherit();
}

async function inherit() {
	if (!current || !navigator.locks) return;
	const { drafts } = current;
	const { held = [] } = await navigator.locks.query();
	const alive = held.map(({ name }) => name);
	for (const [key, copy] of drafts.orphans((page) => alive.includes(pageLock(page)))) {
		if (!drafts.has(key)) await reopen(key);
		drafts.inherit(key, copy);
	}
}

/** Opens the draft of what was written anew, with what the server has now. */
async function reopen(key: string) {
	if (!current) return;
	const { drafts } = current;
	const [kind, id] = key.split(':') as [keyof typeof transports.kinds, string];
	const { read, transport } = transports.kinds[kind] as transports.Kind;
	try {
		const object = await read(id);
		if (current?.drafts === drafts) drafts.open<unknown>(key, object, transport(id));
	} catch (error) {
		if (!(error instanceof ApiError)) throw error;
		// Without an answer it waits.
		if (!error.temporary) drafts.refuse(key, error);
	}
}

/** Another tab has saved: what is open here is to be that, so that the next key is no conflict. */
async function reread(key: string) {
	if (current?.drafts.has(key)) await reopen(key);
}

$effect.root(() => {
	$effect(() => {
		const { user, ended } = session;
		untrack(() => {
			if (user) {
				// Signed in again after the session had expired: what waited for it can go.
				void (current?.account === user.id ? resume() : open(user.id));
			} else if (ended === 'choice') {
				current?.drafts.forget();
				current = null;
				waiting = 0;
				for (const key of Object.keys(sessionStorage)) {
					if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
				}
			}
		});
	});
});

addEventListener('online', () => void resume());
addEventListener('pagehide', () => current?.drafts.flush(true));
addEventListener('beforeunload', (event) => {
	current?.drafts.flush(true);
	if (current && !current.drafts.safe) event.preventDefault();
});
document.addEventListener('visibilitychange', () => {
	// A phone may end a hidden page without another word.
	if (document.visibilityState === 'hidden') current?.drafts.flush(true);
	// While it was hidden, other tabs may have been closed.
	else void inherit();
});
