import type { Scene } from './scene';

export interface Paper {
	width: number;
	height: number;
}

/** Where on the paper the centre is, and how many pixels there are between two rings. */
export interface View {
	x: number;
	y: number;
	scale: number;
}

/** What the names of the steps need around the rings, in pixels. */
export const BAND = 30;
const CLOSEST = 24;

/** Everything, as large as the paper lets it be. */
export function fit({ width, height }: Paper, { reach }: Scene): View {
	const room = Math.max(40, Math.min(width, height) / 2 - BAND);
	return { x: width / 2, y: height / 2, scale: room / reach };
}

/** Nearer or farther; what is at that point of the paper stays there. */
export function zoom(view: View, by: number, x: number, y: number, paper: Paper, scene: Scene) {
	const whole = fit(paper, scene);
	const scale = Math.min(whole.scale * CLOSEST, Math.max(whole.scale, view.scale * by));
	const factor = scale / view.scale;
	return keep({ x: x - (x - view.x) * factor, y: y - (y - view.y) * factor, scale }, paper, scene);
}

/** Keeps the map on the paper: at least as much of it as there is room for. */
export function keep(view: View, paper: Paper, { reach }: Scene): View {
	const radius = reach * view.scale + BAND;
	const within = (centre: number, size: number) => {
		const slack = Math.max(0, radius - size / 2);
		return Math.min(size / 2 + slack, Math.max(size / 2 - slack, centre));
	};
	return {
		x: within(view.x, paper.width),
		y: within(view.y, paper.height),
		scale: view.scale
	};
}

/** The view that has a point on the paper, a little inside of its edge. */
export function reveal(view: View, dot: { x: number; y: number }, paper: Paper): View {
	const margin = Math.min(64, paper.width / 4, paper.height / 4);
	const inside = (at: number, size: number) =>
		Math.max(margin - at, 0) + Math.min(size - margin - at, 0);
	return {
		x: view.x + inside(view.x + dot.x * view.scale, paper.width),
		y: view.y + inside(view.y + dot.y * view.scale, paper.height),
		scale: view.scale
	};
}

/** How large dots and lines are: nearer they grow, but slower than what is between them. */
export function growth(view: View, whole: View): number {
	return Math.sqrt(view.scale * whole.scale);
}

/** Between two views, 0 to 1. */
export function between(from: View, to: View, part: number): View {
	const scale = from.scale * (to.scale / from.scale) ** part;
	// Along the scale, so that what is pointed at stays where it is.
	const way = from.scale === to.scale ? part : (scale - from.scale) / (to.scale - from.scale);
	return { x: from.x + (to.x - from.x) * way, y: from.y + (to.y - from.y) * way, scale };
}
