import type { Draft } from '$lib/drafts/draft.svelte';
import { same } from '$lib/drafts/same';

export interface Change<T> {
	before: T;
	after: T;
	/** What was done, in words; nothing for typing, which the fields can undo by themselves. */
	message: string | null;
}

/** Typing that goes on after a longer pause is another change. */
const PAUSE = 1_500;
const MOST = 200;

/** What was done to a draft on this page, to be undone and redone. */
export class Undo<T> {
	readonly #draft: Pick<Draft<T>, 'value' | 'change'>;
	#past = $state.raw<Change<T>[]>([]);
	#future = $state.raw<Change<T>[]>([]);
	/** As the last change left the draft: another value came from elsewhere, and is not to be undone. */
	#left = $state.raw<T>();
	#typed = 0;

	constructor(draft: Pick<Draft<T>, 'value' | 'change'>) {
		this.#draft = draft;
	}

	/** What `undo` would take back. */
	get undoable(): Change<T> | null {
		return this.#untouched ? (this.#past.at(-1) ?? null) : null;
	}

	/** What `redo` would do again. */
	get redoable(): Change<T> | null {
		return this.#untouched ? (this.#future.at(-1) ?? null) : null;
	}

	/** Writes what was typed; letters typed one after the other are one change. */
	type(value: T) {
		const last = this.undoable;
		const goesOn = last?.message === null && Date.now() - this.#typed < PAUSE;
		this.#typed = Date.now();
		if (!goesOn) return this.#write({ before: this.#draft.value, after: value, message: null });
		this.#past = this.#past.slice(0, -1);
		// Typed and taken back by the field itself: nothing is left of it.
		if (same(last!.before, value)) this.#set(value);
		else this.#write({ ...last!, after: value });
	}

	/** Writes a change of structure. */
	act(value: T, message: string) {
		this.#write({ before: this.#draft.value, after: value, message });
	}

	/** Takes note of a change that something else made to the draft. */
	record(before: T, message: string) {
		this.#write({ before, after: this.#draft.value, message });
	}

	undo(): Change<T> | null {
		const change = this.undoable;
		if (!change) return null;
		this.#typed = 0;
		this.#past = this.#past.slice(0, -1);
		this.#future = [...this.#future, change];
		this.#set(change.before);
		return change;
	}

	redo(): Change<T> | null {
		const change = this.redoable;
		if (!change) return null;
		this.#typed = 0;
		this.#future = this.#future.slice(0, -1);
		this.#past = [...this.#past, change];
		this.#set(change.after);
		return change;
	}

	get #untouched(): boolean {
		return this.#left !== undefined && same(this.#left, this.#draft.value);
	}

	#write(change: Change<T>) {
		const past = this.#untouched ? this.#past : [];
		this.#past = [...past, change].slice(-MOST);
		this.#future = [];
		this.#set(change.after);
	}

	#set(value: T) {
		this.#left = value;
		if (value !== this.#draft.value) this.#draft.change(value);
	}
}
