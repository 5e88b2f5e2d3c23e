const DAY = 24 * 60 * 60 * 1000;

/** So many days things stay in the trash. */
const MOST = 30;

/** The days until a moment, the one that has begun included; a clock that is slow adds none. */
export function daysLeft(until: string, now = Date.now()): number {
	return Math.min(MOST, Math.max(0, Math.ceil((Date.parse(until) - now) / DAY)));
}
