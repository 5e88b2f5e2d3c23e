import { otherEnd, type Dot, type Scene } from './scene';

/** A part of the whole turn, clockwise from the top. */
export function turn({ x, y }: { x: number; y: number }): number {
	return (Math.atan2(x, -y) / (2 * Math.PI) + 1) % 1;
}

/** As `turn`, but from where the first step begins, which the top is the middle of. */
export function turnFromFirstStep(point: { x: number; y: number }): number {
	return (turn(point) + 0.1) % 1;
}

/** The rings from the inside: nodes without a round, round by round, global nodes. */
function ring({ round, global }: Dot, rounds: number): number {
	return global ? rounds + 1 : (round ?? 0);
}

/** From dot to dot by the keyboard, among those that are shown. */
export class Walk {
	/** The dots of each ring, clockwise from the beginning of the first step. */
	readonly rings: number[][];
	readonly #turns: number[];

	constructor(
		readonly scene: Scene,
		shown: number
	) {
		const { dots, rounds } = scene;
		this.#turns = dots.map(turnFromFirstStep);
		const rings: number[][] = Array.from({ length: rounds + 2 }, () => []);
		dots.forEach((dot, index) => {
			if (dot.born <= shown) rings[ring(dot, rounds)]!.push(index);
		});
		this.rings = rings.filter((ring) => ring.length);
		for (const ring of this.rings) ring.sort((a, b) => this.#turns[a]! - this.#turns[b]!);
	}

	/** Where a walk begins: in the innermost ring, at the first step. */
	first(): number | null {
		return this.rings[0]?.[0] ?? null;
	}

	/** The next one on the same ring, clockwise or (-1) back. */
	along(from: number, by: 1 | -1): number {
		const ring = this.#ringOf(from);
		return ring[(ring.indexOf(from) + by + ring.length) % ring.length]!;
	}

	/** The one on the next ring, outward or (-1) inward, that is nearest in direction. */
	across(from: number, by: 1 | -1): number {
		const ring = this.rings[this.rings.indexOf(this.#ringOf(from)) + by];
		if (!ring) return from;
		const apart = (index: number) => {
			const distance = Math.abs(this.#turns[index]! - this.#turns[from]!);
			return Math.min(distance, 1 - distance);
		};
		return ring.reduce((best, index) => (apart(index) < apart(best) ? index : best));
	}

	/** What a dot is linked to, clockwise around it. */
	linked(from: number): number[] {
		const { dots, chords } = this.scene;
		const { x, y } = dots[from]!;
		const shown = new Set(this.rings.flat());
		const direction = (index: number) => turn({ x: dots[index]!.x - x, y: dots[index]!.y - y });
		return dots[from]!.chords.map((chord) => otherEnd(chords[chord]!, from))
			.filter((index) => shown.has(index))
			.sort((a, b) => direction(a) - direction(b));
	}

	#ringOf(index: number): number[] {
		return this.rings.find((ring) => ring.includes(index))!;
	}
}
