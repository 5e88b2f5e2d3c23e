import { expect, test } from 'vitest';
import { wordsOf } from './words';

const node = (id: string, recurs: number, round: number | null, global = false) => ({
	...{ id, title: id, step: null, x: 0, y: 0 },
	...{ recurs, round, global }
});

test('only what came back is listed, what recurs most first, then what is older', () => {
	const nodes = [
		node('once', 1, 1),
		node('never', 0, null),
		node('later', 2, 3),
		node('earlier', 2, 1),
		node('most', 4, 2),
		node('global', 5, null, true)
	];
	const words = wordsOf({ project: 'p', rounds: 5, nodes, links: [] });
	expect(words.map(({ id }) => id)).toEqual(['most', 'earlier', 'later']);
});
