import { presence, radius, type Scene } from './scene';
import type { Tone } from '../drawing';
import { BAND, growth, type Paper, type View } from './view';

/** A text on the paper, in pixels. */
export interface Text {
	text: string;
	x: number;
	y: number;
	tone: Tone | 'muted';
	size: number;
	bold?: boolean;
	anchor: 'start' | 'middle' | 'end';
	/** Turned around its place, in radians. */
	angle?: number;
	/** What is left free for it: the ring that it stands on would go through it. */
	clearing?: Box;
}

/** How wide a text of 1 pixel in size is. */
export type Measure = (text: string) => number;

const SIZE = 13;
const LONGEST = 22;
const SPACING = 0.06;

/** The names of the steps around the rings, each letter on the circle; below they stand upright, too. */
export function dial(
	names: { name: string; tone: Tone }[],
	{ reach }: Scene,
	view: View,
	measure: Measure
): Text[] {
	const circle = reach * view.scale + BAND / 2;
	return names.flatMap(({ name, tone }, index) => {
		const middle = ((index / names.length) * 2 * Math.PI) % (2 * Math.PI);
		const below = Math.cos(middle) < -0.01;
		const letters = [...`${index + 1} ${name}`];
		const widths = letters.map((letter) => (measure(letter) + SPACING) * SIZE);
		const whole = widths.reduce((sum, width) => sum + width, 0);
		let gone = 0;
		return letters.flatMap((letter, at): Text[] => {
			const along = (gone + widths[at]! / 2 - whole / 2) / circle;
			gone += widths[at]!;
			if (letter === ' ') return [];
			const direction = middle + (below ? -along : along);
			return [
				{
					text: letter,
					x: view.x + circle * Math.sin(direction),
					y: view.y - circle * Math.cos(direction),
					tone,
					size: SIZE,
					bold: true,
					anchor: 'middle',
					angle: below ? direction + Math.PI : direction
				}
			];
		});
	});
}

/** The number of each ring, on its line, where two steps meet. */
export function numbers(
	name: (round: number) => string,
	scene: Scene,
	view: View,
	measure: Measure
): Text[] {
	return Array.from({ length: scene.rounds }, (_, index) => {
		const text: Text = {
			text: name(index + 1),
			x: view.x,
			y: view.y + (index + 1) * view.scale,
			tone: 'muted',
			size: 11,
			anchor: 'middle'
		};
		return { ...text, clearing: boxOf(text, measure) };
	});
}

/** A title as far as there is room for it beside a dot. */
export function short(title: string): string {
	const letters = [...title.trim()];
	return letters.length > LONGEST ? `${letters.slice(0, LONGEST - 1).join('')}…` : letters.join('');
}

interface Wanted {
	scene: Scene;
	view: View;
	/** The view of everything, which the sizes follow from. */
	whole: View;
	paper: Paper;
	shown: number;
	/** The dots in the order in which they may speak. */
	order: readonly number[];
	/** What is not to be written over. */
	taken: Text[];
	measure: Measure;
	most: number;
	/** Whether another dot is there; a title does not cover it. */
	covers: (dot: number, box: Box) => boolean;
	/** A title that would cover a dot wherever it is does so. */
	insist: boolean;
}

/** A part of the paper, in pixels. */
export interface Box {
	left: number;
	top: number;
	right: number;
	bottom: number;
}

/** The titles that fit near their dots, if they can beside them and outward, none over another one. */
export function titles(wanted: Wanted): (Text & { dot: number })[] {
	const { scene, view, whole, paper, shown, order, measure, most } = wanted;
	const grown = growth(view, whole);
	const boxes = wanted.taken.map((text) => boxOf(text, measure));
	const found: (Text & { dot: number })[] = [];
	let tries = most * 8;
	for (const index of order) {
		if (found.length >= most || tries <= 0) break;
		const dot = scene.dots[index]!;
		if (presence(dot.born, shown) < 1) continue;
		const x = view.x + dot.x * view.scale;
		const y = view.y + dot.y * view.scale;
		if (x < 0 || y < 0 || x > paper.width || y > paper.height) continue;
		tries--;
		const size = radius(dot, grown, scene);
		// Outside of the circle around the dot that is pointed at.
		const beside = size + 8;
		const above = size + SIZE * 0.7 + 2;
		const text = short(dot.title);
		const sides = [
			{ x: x + beside, anchor: 'start' as const },
			{ x: x - beside, anchor: 'end' as const }
		];
		const levels = [y - above, y + above];
		if (dot.x < 0) sides.reverse();
		if (dot.y > 0) levels.reverse();
		const free = [
			...sides.map((side) => ({ ...side, y })),
			...levels.map((y) => ({ x, y, anchor: 'middle' as const })),
			...levels.flatMap((y) => sides.map((side) => ({ ...side, y })))
		]
			.map((place) => ({ text, ...place, tone: 'ink' as const, size: SIZE, dot: index }))
			.filter((place) => {
				const box = boxOf(place, measure);
				return inside(box, paper) && !boxes.some((other) => meet(box, other));
			});
		const place =
			free.find((place) => !wanted.covers(index, boxOf(place, measure))) ??
			(wanted.insist ? free[0] : undefined);
		if (!place) continue;
		boxes.push(boxOf(place, measure));
		found.push(place);
	}
	return found;
}

/** First what recurs, then what has many links. */
export function speakers({ dots }: Scene): number[] {
	const weight = ({ recurs, chords }: Scene['dots'][number]) => recurs * 8 + chords.length;
	return dots.map((_, index) => index).sort((a, b) => weight(dots[b]!) - weight(dots[a]!));
}

function boxOf({ text, x, y, size, anchor }: Text, measure: Measure): Box {
	const width = measure(text) * size;
	const left = anchor === 'start' ? x : anchor === 'end' ? x - width : x - width / 2;
	return { left: left - 2, right: left + width + 2, top: y - size * 0.7, bottom: y + size * 0.7 };
}

function inside({ left, top, right, bottom }: Box, { width, height }: Paper): boolean {
	return left >= 2 && top >= 2 && right <= width - 2 && bottom <= height - 2;
}

/** Whether a disc lies under some of a box. */
export function touches({ left, top, right, bottom }: Box, x: number, y: number, r: number) {
	return (
		Math.hypot(x - Math.min(right, Math.max(left, x)), y - Math.min(bottom, Math.max(top, y))) < r
	);
}

function meet(a: Box, b: Box): boolean {
	return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
