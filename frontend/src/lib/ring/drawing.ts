import type { StepType } from '$lib/api/types';

/** How a line or dot is coloured; a step has its own colour, place and name. */
export type Tone = 'faint' | 'ink' | 'accent' | StepType;

export interface Circle {
	x: number;
	y: number;
	r: number;
	tone: Tone;
}

export interface Arc {
	path: string;
	tone: Tone;
	/** Drawn out, or only its faint trace. */
	drawn: boolean;
	/** Where it differs from the drawing's other lines. */
	width?: number;
}

/** What `Ring.svelte` draws, in a square of 100 by 100. */
export interface Drawing {
	circles: Circle[];
	arcs: Arc[];
	dots: Circle[];
}

const CENTRE = 50;

/** A point on a circle; `turn` 0 is the top, 0.25 the right. */
export function point(turn: number, r: number, x = CENTRE, y = CENTRE): { x: number; y: number } {
	const angle = (turn - 0.25) * 2 * Math.PI;
	return { x: round(x + r * Math.cos(angle)), y: round(y + r * Math.sin(angle)) };
}

/** The path of an arc, clockwise from one turn to another. */
export function arc(from: number, to: number, r: number, x = CENTRE, y = CENTRE): string {
	const start = point(from, r, x, y);
	const end = point(to, r, x, y);
	const large = to - from > 0.5 ? 1 : 0;
	return `M${start.x} ${start.y}A${r} ${r} 0 ${large} 1 ${end.x} ${end.y}`;
}

/** Numbers from 0 to 1 that are always the same for the same seed (FNV-1a into mulberry32). */
export function random(seed: string): () => number {
	let state = 0x811c9dc5;
	for (const char of seed) state = Math.imul(state ^ char.codePointAt(0)!, 0x01000193);
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

function round(value: number): number {
	return Math.round(value * 100) / 100;
}
