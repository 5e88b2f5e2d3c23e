export interface Point {
	x: number;
	y: number;
}

/** By how far and by what factor the map is drawn along, and around which point. */
export interface Pull {
	by: Point;
	factor: number;
	around: Point;
}

/** A hand trembles; what stays this near to where it went down has only pressed. */
const TREMBLE = 5;

/** The fingers and buttons that are down: one presses or drags, two zoom. */
export class Pointers {
	#down = new Map<number, Point>();
	#pressed: Point | null = null;

	get any(): boolean {
		return this.#down.size > 0;
	}

	has(id: number): boolean {
		return this.#down.has(id);
	}

	press(id: number, at: Point) {
		this.#down.set(id, at);
		this.#pressed = this.#down.size === 1 ? at : null;
	}

	/** What a move means; nothing, as long as it may still be a press. */
	move(id: number, to: Point): Pull | null {
		if (this.#pressed && distance(to, this.#pressed) < TREMBLE) return null;
		this.#pressed = null;
		const from = this.#down.get(id)!;
		this.#down.set(id, to);
		const other = [...this.#down].find(([each]) => each !== id)?.[1];
		return other
			? {
					by: { x: 0, y: 0 },
					factor: distance(to, other) / Math.max(1, distance(from, other)),
					around: { x: (to.x + other.x) / 2, y: (to.y + other.y) / 2 }
				}
			: { by: { x: to.x - from.x, y: to.y - from.y }, factor: 1, around: to };
	}

	/** Whether it had only pressed. */
	release(id: number): boolean {
		const pressed = this.#pressed !== null;
		this.#down.delete(id);
		this.#pressed = null;
		return pressed;
	}
}

function distance(one: Point, other: Point): number {
	return Math.hypot(one.x - other.x, one.y - other.y);
}
