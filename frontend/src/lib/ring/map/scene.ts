import type { Graph, StepType } from '$lib/api/types';
import type { Tone } from '../drawing';

/** A node on the map. Places and sizes are in rings: round n has the radius n, the centre is 0, 0. */
export interface Dot {
	id: string;
	title: string;
	x: number;
	y: number;
	r: number;
	/** How large it may be and not touch another one. */
	room: number;
	tone: Tone;
	/** A global node is a ring itself. */
	hollow: boolean;
	/** The round it is first seen in; 1 for what has none. */
	born: number;
	round: number | null;
	step: StepType | null;
	global: boolean;
	recurs: number;
	/** Which chords end here. */
	chords: number[];
}

/** A link on the map, between two dots by their index. */
export interface Chord {
	from: number;
	to: number;
	weight: number;
	automatic: boolean;
	born: number;
}

/** What is drawn, on the screen and in the SVG file alike. */
export interface Scene {
	rounds: number;
	/** How far from the centre anything is drawn. */
	reach: number;
	dots: Dot[];
	chords: Chord[];
}

const SIZE = 0.05;
const LARGER = 0.0125;
/** So many dots are easily told apart on any paper. */
const FEW = 200;
/** What is left free outside of the last ring and the last dot, in rings. */
const BEYOND_RING = 0.3;
const BEYOND_DOT = 0.12;

/** Turns the server's answer into what is drawn. */
export function sceneOf(graph: Graph): Scene {
	const dots = graph.nodes.map(({ id, title, x, y, round, step, recurs, global }): Dot => {
		const r = SIZE + LARGER * Math.max(0, recurs - 1);
		const tone = step ?? 'ink';
		const born = round ?? 1;
		const [hollow, chords]: [boolean, number[]] = [global, []];
		const room = Infinity;
		return { id, title, x, y, r, room, tone, hollow, born, round, step, global, recurs, chords };
	});
	if (dots.length <= FEW) spread(dots);
	const index = new Map(dots.map(({ id }, at) => [id, at]));
	const chords: Chord[] = [];
	// The strongest on top.
	for (const link of [...graph.links].sort((a, b) => a.weight - b.weight)) {
		const from = index.get(link.from);
		const to = index.get(link.to);
		if (from === undefined || to === undefined) continue;
		const born = Math.max(dots[from]!.born, dots[to]!.born);
		dots[from]!.chords.push(chords.length);
		dots[to]!.chords.push(chords.length);
		chords.push({ from, to, weight: link.weight, automatic: link.origin === 'automatic', born });
	}
	const farthest = dots.reduce((most, { x, y }) => Math.max(most, Math.hypot(x, y)), 0);
	return {
		rounds: graph.rounds,
		reach: Math.max(graph.rounds + BEYOND_RING, farthest + BEYOND_DOT),
		dots,
		chords
	};
}

/** Gives each dot somewhat less than half of the way to the one that is nearest. */
function spread(dots: Dot[]) {
	for (const dot of dots) {
		for (const other of dots) {
			if (other === dot) continue;
			dot.room = Math.min(dot.room, 0.42 * Math.hypot(other.x - dot.x, other.y - dot.y));
		}
	}
}

/** How much of something is there, 0 to 1, while the map shows the rounds up to `shown`. */
export function presence(born: number, shown: number): number {
	return Math.min(1, Math.max(0, shown - born + 1));
}

/** A dot that comes moves outward to its place: by how much of it it has got there. */
export function arrival(born: number, shown: number): number {
	return 1 - (1 - presence(born, shown)) * (0.5 / born);
}

/** The dot at the other end of a chord. */
export function otherEnd({ from, to }: Chord, dot: number): number {
	return from === dot ? to : from;
}

/** How large a dot is in pixels, where its size is magnified by `grown`: never too small to be seen. */
export function radius({ r, room }: Dot, grown: number, { dots }: Scene): number {
	const size = Math.max(dots.length <= FEW ? 3 : 1.5, r * grown);
	return Math.max(1.5, Math.min(size, room * grown));
}

/** How wide and how strong a chord is drawn: many of them must leave the paper white. */
export function ink(chords: number): { width: number; strength: number } {
	if (chords <= 150) return { width: 3, strength: 0.5 };
	if (chords <= 1_500) return { width: 2, strength: 0.32 };
	return { width: 1, strength: 0.2 };
}
