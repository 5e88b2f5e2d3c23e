import type { StepType } from '$lib/api/types';
import { STEPS } from '$lib/steps/content';
import { arc, point, type Drawing } from './drawing';

export interface RoundShape {
	number: number;
	filled: readonly StepType[];
	/** The step the person is at. */
	current?: StepType;
}

const RADIUS = 44;
const INNER = 28;
const GAP = 0.022;

/**
 * The progress of a round: five directions, one a step, that become a closed ring when all
 * are filled. The rounds before it are thin rings inside.
 */
export function roundDrawing({ number, filled, current }: RoundShape): Drawing {
	const complete = STEPS.every((step) => filled.includes(step));
	const gap = complete ? 0 : GAP;
	const before = number - 1;
	return {
		circles: Array.from({ length: before }, (_, index) => ({
			x: 50,
			y: 50,
			r: Math.round((INNER * (index + 1)) / before),
			tone: 'ink'
		})),
		arcs: STEPS.map((step, index) => ({
			path: arc((index - 0.5) / 5 + gap, (index + 0.5) / 5 - gap, RADIUS),
			tone: step,
			drawn: filled.includes(step),
			width: 5
		})),
		dots: current ? [{ ...point(STEPS.indexOf(current) / 5, RADIUS), r: 4.5, tone: current }] : []
	};
}
