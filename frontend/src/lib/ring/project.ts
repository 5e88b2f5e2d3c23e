import type { Status } from '$lib/api/types';
import { ROUNDS } from '$lib/rounds/rounds';
import { STEPS } from '$lib/steps/content';
import { arc, point, random, type Circle, type Drawing } from './drawing';

export interface ProjectShape {
	id: string;
	status: Status;
	/** How many rounds there are, 1 to 5. */
	rounds: number;
	/** How many steps of the last round are filled, 0 to 5. */
	filled: number;
	nodes: number;
}

const MOST_DOTS = 24;
const TRIES = 8;

const radius = (number: number) => 8 + 7.5 * number;

/**
 * A project's icon. Its rings are its rounds, the first inside; the last one closes as its
 * steps are filled; its dots are its nodes. The id moves every ring a little off the
 * centre, like the rings of a tree, and turns the dots, so that no two are alike.
 */
export function projectDrawing({ id, status, rounds, filled, nodes }: ProjectShape): Drawing {
	const next = random(id);
	const turn = next();
	const centres = Array.from({ length: ROUNDS }, () => point(next(), 0.4 + 1.2 * next()));
	const closed = status === 'completed' || filled >= STEPS.length ? rounds : rounds - 1;
	const visible = status === 'completed' ? rounds : ROUNDS;

	const circles: Circle[] = centres.slice(0, visible).map(({ x, y }, index) => ({
		x,
		y,
		r: radius(index + 1),
		tone: index < closed ? 'ink' : 'faint'
	}));

	const current = centres[rounds - 1];
	const arcs: Drawing['arcs'] = [];
	if (closed < rounds && filled > 0 && current) {
		const path = arc(turn, turn + filled / STEPS.length, radius(rounds), current.x, current.y);
		arcs.push({ path, tone: 'ink', drawn: true });
	}

	// The first dot is the theme itself; a project has it before it has any node.
	const origin = { ...point(turn, radius(1), centres[0]!.x, centres[0]!.y), r: 3.6 };
	const dots: Circle[] = [{ ...origin, tone: 'accent' }];
	for (let node = 0; node < Math.min(nodes, MOST_DOTS); node++) {
		const r = 1.6 + next();
		// A few tries to find room; a ring that is full takes no more.
		const places = Array.from({ length: TRIES }, () => {
			// The square root spreads the dots evenly, since an outer ring is longer.
			const ring = Math.floor(rounds * Math.sqrt(next()));
			const { x, y } = centres[ring]!;
			return point(next(), radius(ring + 1), x, y);
		});
		const free = places.find(({ x, y }) =>
			dots.every((dot) => Math.hypot(dot.x - x, dot.y - y) > dot.r + r + 1)
		);
		if (free) dots.push({ ...free, r, tone: 'ink' });
	}

	return { circles, arcs, dots };
}
