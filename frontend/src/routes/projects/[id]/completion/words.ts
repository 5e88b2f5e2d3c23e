import type { Graph } from '$lib/api/types';

/** The project's words that came back in another round, those that recur most first. */
export function wordsOf({ nodes }: Graph): Graph['nodes'] {
	return nodes
		.filter(({ global, recurs }) => !global && recurs > 1)
		.sort((one, other) => other.recurs - one.recurs || (one.round ?? 6) - (other.round ?? 6));
}
