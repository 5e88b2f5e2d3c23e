import { ApiError } from '$lib/api/errors';
import type { Word } from '$lib/api/types';
import type { Node } from '$lib/api/types';

export interface WordsTransport {
	/** The words of the step that could become nodes, best first. */
	look(): Promise<Word[]>;
	/** Answers the nodes that were made. */
	choose(chosen: { accepted?: string[]; refused?: string[] }): Promise<Node[]>;
}

/** The words that a step offers, and which of them the person has chosen. */
export class Words {
	offered = $state.raw<Word[] | null>(null);
	chosen = $state.raw<string[]>([]);
	busy = $state(false);
	problem = $state.raw<ApiError | null>(null);
	/** The text was changed after the words had been looked for. */
	changed = $state(false);

	readonly #transport: WordsTransport;

	constructor(transport: WordsTransport) {
		this.#transport = transport;
	}

	get all(): boolean {
		return this.offered !== null && this.offered.every(({ word }) => this.chosen.includes(word));
	}

	/** What was chosen stays chosen as long as it is offered. */
	async look() {
		await this.#ask(async () => this.#offer(await this.#transport.look()));
	}

	toggle(word: string) {
		this.chosen = this.chosen.includes(word)
			? this.chosen.filter((other) => other !== word)
			: [...this.chosen, word];
	}

	/** All, or none when all are chosen already. */
	toggleAll() {
		this.chosen = this.all ? [] : (this.offered ?? []).map(({ word }) => word);
	}

	/** Makes nodes of what was chosen. */
	async accept(): Promise<Node[]> {
		const accepted = this.chosen;
		return (await this.#choose({ accepted }, accepted)) ?? [];
	}

	/** Says that words are not to be offered again; whether that was noted. */
	async refuse(refused: string[]): Promise<boolean> {
		return (await this.#choose({ refused }, refused)) !== null;
	}

	async #choose(chosen: { accepted?: string[]; refused?: string[] }, words: string[]) {
		this.changed = false;
		const nodes = await this.#ask(async () => {
			try {
				const nodes = await this.#transport.choose(chosen);
				this.#offer(this.offered!.filter(({ word }) => !words.includes(word)));
				return nodes;
			} catch (error) {
				if (!(error instanceof ApiError) || error.status !== 422) throw error;
				this.#offer(await this.#transport.look());
				this.changed = true;
				return null;
			}
		});
		if (nodes && this.offered!.length === 0) {
			// The server offers only so many at once: there may be more.
			this.offered = null;
			await this.look();
		}
		return nodes;
	}

	#offer(words: Word[]) {
		this.offered = words;
		this.chosen = words.map(({ word }) => word).filter((word) => this.chosen.includes(word));
	}

	async #ask<T>(question: () => Promise<T>): Promise<T | null> {
		this.busy = true;
		this.problem = null;
		try {
			return await question();
		} catch (error) {
			if (!(error instanceof ApiError)) throw error;
			this.problem = error;
			return null;
		} finally {
			this.busy = false;
		}
	}
}
