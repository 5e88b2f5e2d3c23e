const CELL = 0.25;
/** More cells than there are from the centre to the outermost dot. */
const HALF = 1_000;

/** Finds what is near a point without asking every dot. */
export class Grid {
	readonly #cells = new Map<number, number[]>();

	constructor(readonly dots: readonly { x: number; y: number }[]) {
		dots.forEach(({ x, y }, index) => {
			const key = cell(x, y);
			const there = this.#cells.get(key);
			if (there) there.push(index);
			else this.#cells.set(key, [index]);
		});
	}

	/** The nearest dot within a distance, of those that count. */
	nearest(x: number, y: number, within: number, counts: (index: number) => boolean): number | null {
		let found: number | null = null;
		let least = within;
		for (let cx = x - within; cx < x + within + CELL; cx += CELL) {
			for (let cy = y - within; cy < y + within + CELL; cy += CELL) {
				for (const index of this.#cells.get(cell(cx, cy)) ?? []) {
					const distance = Math.hypot(this.dots[index]!.x - x, this.dots[index]!.y - y);
					if (distance <= least && counts(index)) [found, least] = [index, distance];
				}
			}
		}
		return found;
	}

	/** Whether a dot that counts is in a part of the plane. */
	any(
		left: number,
		top: number,
		right: number,
		bottom: number,
		counts: (index: number) => boolean
	) {
		for (let cx = left; cx < right + CELL; cx += CELL) {
			for (let cy = top; cy < bottom + CELL; cy += CELL) {
				for (const index of this.#cells.get(cell(cx, cy)) ?? []) {
					const { x, y } = this.dots[index]!;
					if (x > left && x < right && y > top && y < bottom && counts(index)) return true;
				}
			}
		}
		return false;
	}
}

function cell(x: number, y: number): number {
	return (Math.floor(x / CELL) + HALF) * 2 * HALF + Math.floor(y / CELL) + HALF;
}
