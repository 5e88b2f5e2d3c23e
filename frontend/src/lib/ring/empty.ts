import { arc, point, type Drawing } from './drawing';

/** Nothing is there yet: one dot, and the ring that begins at it. */
export const empty: Drawing = {
	circles: [14, 24, 34].map((r) => ({ x: 50, y: 50, r, tone: 'faint' })),
	arcs: [{ path: arc(0.1, 0.32, 44), tone: 'ink', drawn: true }],
	dots: [{ ...point(0.1, 44), r: 3, tone: 'accent' }]
};
