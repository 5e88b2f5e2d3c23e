import { ApiError } from '$lib/api/errors';
import type { Copies, Copy } from './copies';
import { hasAll, same } from './same';

/** A value together with the version the server gave it. */
export interface Saved<T> {
	value: T;
	version: number;
}

/** How an object is read from the server's answer and written back. */
export interface Transport<T> {
	read(object: unknown): Saved<T>;
	/** Answers the object as it is after the write; throws ApiError. */
	write(value: T, version: number, leaving: boolean): Promise<unknown>;
}

/** `waiting`: not sent yet, for want of a pause in typing or of a server that answers. */
export type DraftState = 'saved' | 'saving' | 'waiting' | 'failed' | 'conflict';

const PAUSE = 800;
const FIRST_RETRY = 1_000;
const LONGEST_RETRY = 30_000;
/** The oldest go first: a conflict shown for nothing is one question too many, never a loss. */
const UNANSWERED = 5;

/**
 * What a person is writing, on its way to the server. One request at a time, the latest text
 * wins, and until the server has it a copy stays in the browser.
 */
export class Draft<T> {
	/** The text as it is on the page. Replaced by `change`, never altered in place. */
	value: T;
	state: DraftState;
	/** Why the last attempt did not succeed. */
	problem: ApiError | null;
	/** After a conflict: what the server has instead. */
	theirs: Saved<T> | null;
	/** Whether something was written since the object was opened. */
	written: boolean;

	readonly #key: string;
	readonly #transport: Transport<T>;
	readonly #copies: Copies;

	/** The texts of other pages that this draft went on with. */
	#inherited: T[] = [];
	#version: number;
	/** What the object was in that version. */
	#base: T | undefined;
	#inFlight: { value: T } | null = null;
	/** Sent without an answer: the server may have one of them. */
	#unanswered: T[] = [];
	/** The text has changed again, and is to follow as soon as the answer is there. */
	#due = false;
	#composing = false;
	#stopped = false;
	#kept = true;
	#keeping = 0;
	/** Whether the copy is there, as soon as that is known. */
	#stored = Promise.resolve(true);
	#attempts = 0;
	#pause: ReturnType<typeof setTimeout> | undefined;
	#retry: ReturnType<typeof setTimeout> | undefined;

	constructor(key: string, object: unknown, transport: Transport<T>, copies: Copies) {
		const saved = transport.read(object);
		this.value = $state.raw(saved.value);
		this.state = $state('saved');
		this.problem = $state.raw(null);
		this.theirs = $state.raw(null);
		this.written = $state(false);
		this.#key = key;
		this.#transport = transport;
		this.#copies = copies;
		this.#version = saved.version;
		this.#base = saved.value;

		const copy = copies.read<T>(key);
		if (copy) this.#takeOver(copy, saved);
	}

	/** Goes on with what a page has left that is gone, once nothing of its own is unsent. */
	inherit(copy: Copy<T>) {
		if (this.state !== 'saved') return;
		if (this.#inherited.some((value) => same(value, copy.value))) {
			// A page that was closing has noted something else about a text that is known here.
			void this.#copies.takenOver(this.#key, copy);
		} else {
			this.#takeOver(copy, { value: this.value, version: this.#version });
		}
	}

	/** In a conflict: what both sides began with, where that is known. */
	get base(): T | undefined {
		return this.#base;
	}

	/** Whether the page may be left without a question: the server has the text, or this browser. */
	get safe(): boolean {
		return this.state === 'saved' || this.#kept;
	}

	change(value: T) {
		this.value = value;
		this.written = true;
		this.#keep();
		if (this.state === 'conflict') return;
		if (!this.#inFlight) this.state = 'waiting';
		this.#schedule();
	}

	/** While an input method composes nothing is sent: the text is not yet what the person means. */
	compose(composing: boolean) {
		this.#composing = composing;
		if (composing) clearTimeout(this.#pause);
		else if (this.#unsent) this.#schedule();
	}

	/** Sends at once what waits for a pause. `leaving`: the page may be gone before the answer. */
	flush(leaving = false) {
		if (!this.#unsent) return;
		if (!leaving && (this.#composing || this.#retry !== undefined)) return;
		void this.#send(leaving);
	}

	/** Tries again now what could not be sent. */
	retry() {
		if (this.#unsent || this.state === 'failed') void this.#send();
	}

	/** Takes note of what the server has now. */
	refresh(object: unknown) {
		const saved = this.#transport.read(object);
		// An older answer may arrive later than a newer one.
		if (this.#inFlight || saved.version < this.#version) return;
		if (this.state === 'saved') {
			this.value = this.#base = saved.value;
			this.#version = saved.version;
		} else {
			this.#meet(saved);
		}
	}

	/** Ends a conflict: the server gets what was made of both. */
	resolve(value: T) {
		if (!this.theirs) return;
		if (same(value, this.theirs.value)) return this.takeTheirs();
		this.value = value;
		this.#version = this.theirs.version;
		this.#base = this.theirs.value;
		this.theirs = this.problem = null;
		void this.#send();
	}

	/** Ends a conflict: the page gets what the server has. */
	takeTheirs() {
		if (!this.theirs) return;
		this.value = this.theirs.value;
		this.#settle(this.theirs.version);
	}

	/** Neither sends nor keeps anything from now on. */
	stop() {
		this.#stopped = true;
		this.#stopTimers();
	}

	/** Goes on with what another page has written, beside what the server has now. */
	#takeOver(copy: Copy<T>, saved: Saved<T>) {
		this.#inherited.push(copy.value);
		this.value = copy.value;
		this.written = true;
		this.#version = copy.version;
		this.#base = copy.base;
		this.#unanswered = copy.unanswered;
		this.#meet(saved);
		void this.#stored.then((stored) => {
			if (stored) void this.#copies.takenOver(this.#key, copy);
		});
	}

	get #unsent(): boolean {
		return this.#inFlight ? this.#inFlight.value !== this.value : this.state === 'waiting';
	}

	#schedule() {
		// A retry under way will take the latest text along.
		if (this.#composing || this.#retry !== undefined) return;
		clearTimeout(this.#pause);
		this.#pause = setTimeout(() => void this.#send(), PAUSE);
	}

	async #send(leaving = false) {
		this.#stopTimers();
		this.#due = this.#inFlight !== null;
		if (this.#inFlight || this.#stopped) return;

		const sent = this.value;
		this.#inFlight = { value: sent };
		this.#unanswered = [...this.#unanswered.filter((value) => value !== sent), sent];
		this.#unanswered.splice(0, this.#unanswered.length - UNANSWERED);
		this.#keep(true);
		this.state = 'saving';
		try {
			const answer = await this.#transport.write(sent, this.#version, leaving);
			this.#inFlight = null;
			this.#accepted(sent, this.#transport.read(answer).version);
		} catch (error) {
			this.#inFlight = null;
			this.state = 'failed';
			if (!(error instanceof ApiError)) throw error;
			this.#refused(sent, error);
		}
	}

	#accepted(sent: T, version: number) {
		if (this.value === sent) return this.#settle(version);
		this.#version = version;
		this.#base = sent;
		this.#unanswered = [];
		this.#attempts = 0;
		this.problem = null;
		this.state = 'waiting';
		this.#keep();
		if (this.#due) this.flush();
	}

	#refused(sent: T, error: ApiError) {
		this.problem = error;
		if (error.status === 409) {
			this.#meet(this.#transport.read(error.current));
		} else if (error.status === 401) {
			// The session is over; the text waits for the next one.
			this.state = 'waiting';
		} else if (error.temporary) {
			this.state = 'waiting';
			this.#tryLater(error.retryAfter);
		} else if (this.value !== sent) {
			this.state = 'waiting';
			if (this.#due) this.flush();
		}
	}

	#tryLater(retryAfter: number | null) {
		const wait = Math.min(FIRST_RETRY * 2 ** this.#attempts++, LONGEST_RETRY);
		clearTimeout(this.#pause);
		this.#retry = setTimeout(
			() => {
				this.#retry = undefined;
				if (this.#composing) return;
				void this.#send();
			},
			Math.max(wait, (retryAfter ?? 0) * 1_000)
		);
	}

	/** Compares an unsent text with what the server turns out to have. */
	#meet(theirs: Saved<T>) {
		this.#keep();
		if (hasAll(theirs.value, this.value, this.#base)) {
			this.value = theirs.value;
			return this.#settle(theirs.version);
		}
		const ours =
			theirs.version === this.#version ||
			// Something else about the object was changed, not this.
			same(theirs.value, this.#base) ||
			// Ours had arrived, only the answer had not.
			this.#unanswered.some((value) => same(value, theirs.value));
		if (!ours) {
			this.#stopTimers();
			this.theirs = theirs;
			this.state = 'conflict';
			return;
		}
		this.#version = theirs.version;
		this.#base = theirs.value;
		this.#unanswered = [];
		this.state = 'waiting';
		this.#keep();
		this.#schedule();
	}

	/** The server has what is on the page. */
	#settle(version: number) {
		this.#stopTimers();
		this.#version = version;
		this.#base = this.value;
		this.#unanswered = [];
		this.#attempts = 0;
		this.#keeping++;
		this.#kept = true;
		this.#stored = Promise.resolve(true);
		this.problem = null;
		this.theirs = null;
		this.state = 'saved';
		void this.#copies.remove(this.#key);
	}

	/** `lasting`: at a pause there is time to write it through to the disk. */
	#keep(lasting = false) {
		if (this.#stopped) return;
		const keeping = ++this.#keeping;
		const copy = {
			value: this.value,
			version: this.#version,
			base: this.#base,
			unanswered: this.#unanswered
		};
		this.#stored = this.#copies.write(this.#key, copy, lasting).then((kept) => {
			if (keeping === this.#keeping) this.#kept = kept;
			return kept;
		});
	}

	#stopTimers() {
		clearTimeout(this.#pause);
		clearTimeout(this.#retry);
		this.#pause = this.#retry = undefined;
	}
}
