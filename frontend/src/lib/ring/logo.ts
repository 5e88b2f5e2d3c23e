import { point, type Drawing } from './drawing';

const RADII = [16, 30, 44];

/** Three thin rings, one dot off-centre. */
export const logo: Drawing = {
	circles: RADII.map((r) => ({ x: 50, y: 50, r, tone: 'ink' })),
	arcs: [],
	dots: [{ ...point(0.14, 30), r: 7, tone: 'accent' }]
};
