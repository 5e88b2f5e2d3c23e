import { render } from 'svelte/server';
import { describe, expect, test } from 'vitest';
import { STEPS } from '$lib/steps/content';
import { arc, point, random, type Drawing } from './drawing';
import { empty } from './empty';
import { logo } from './logo';
import { projectDrawing, type ProjectShape } from './project';
import { roundDrawing } from './round';
import Ring from './Ring.svelte';

const shape: ProjectShape = {
	id: '0b0f7c1e-5c47-4d0c-9a53-0c8f3f8a9f10',
	status: 'active',
	rounds: 3,
	filled: 2,
	nodes: 7
};

function insidePaper({ circles, dots }: Drawing) {
	for (const { x, y, r } of [...circles, ...dots]) {
		expect(Math.min(x - r, y - r)).toBeGreaterThanOrEqual(0);
		expect(Math.max(x + r, y + r)).toBeLessThanOrEqual(100);
	}
}

describe('geometry', () => {
	test('turns run clockwise from the top', () => {
		expect(point(0, 40)).toEqual({ x: 50, y: 10 });
		expect(point(0.25, 40)).toEqual({ x: 90, y: 50 });
		expect(point(0.5, 40)).toEqual({ x: 50, y: 90 });
	});

	test('an arc past half a turn takes the long way', () => {
		expect(arc(0, 0.25, 40)).toBe('M50 10A40 40 0 0 1 90 50');
		expect(arc(0, 0.75, 40)).toBe('M50 10A40 40 0 1 1 10 50');
	});

	test('a seed always gives the same numbers, spread between 0 and 1', () => {
		const draw = (seed: string) => Array.from({ length: 1000 }, random(seed));
		expect(draw('a')).toEqual(draw('a'));
		expect(draw('a')).not.toEqual(draw('b'));
		const numbers = draw('a');
		expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
		expect(Math.max(...numbers)).toBeLessThan(1);
		expect(numbers.reduce((sum, number) => sum + number) / 1000).toBeCloseTo(0.5, 1);
	});
});

describe('a project', () => {
	test('is drawn alike every time', () => {
		expect(projectDrawing(shape)).toEqual(projectDrawing(shape));
	});

	test('no two of a thousand are alike, even before anything is in them', () => {
		const drawings = Array.from({ length: 1000 }, (_, index) =>
			JSON.stringify(
				projectDrawing({ ...shape, id: `project ${index}`, rounds: 1, filled: 0, nodes: 0 })
			)
		);
		expect(new Set(drawings).size).toBe(1000);
	});

	test('has a ring a round, the last one open until its steps are filled', () => {
		const open = projectDrawing(shape);
		expect(open.circles.map(({ tone }) => tone)).toEqual(['ink', 'ink', 'faint', 'faint', 'faint']);
		expect(open.arcs).toHaveLength(1);
		const closed = projectDrawing({ ...shape, filled: 5 });
		expect(closed.circles.map(({ tone }) => tone)).toEqual(['ink', 'ink', 'ink', 'faint', 'faint']);
		expect(closed.arcs).toEqual([]);
	});

	test('that is completed shows only what was done', () => {
		const { circles, arcs } = projectDrawing({ ...shape, status: 'completed' });
		expect(circles.map(({ tone }) => tone)).toEqual(['ink', 'ink', 'ink']);
		expect(arcs).toEqual([]);
	});

	test('has a dot a node beside that of its theme, and not without end', () => {
		expect(projectDrawing({ ...shape, nodes: 0 }).dots).toHaveLength(1);
		expect(projectDrawing(shape).dots).toHaveLength(8);
		expect(projectDrawing({ ...shape, nodes: 5000 }).dots.length).toBeLessThanOrEqual(25);
	});

	test('never draws one dot over another', () => {
		for (let index = 0; index < 100; index++) {
			const { dots } = projectDrawing({ ...shape, id: String(index), rounds: 1, nodes: 24 });
			dots.forEach((a, at) => {
				for (const b of dots.slice(at + 1)) {
					expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThan(a.r + b.r);
				}
			});
		}
	});

	test('keeps its dots where they are when a node is added', () => {
		const before = projectDrawing(shape).dots;
		expect(projectDrawing({ ...shape, nodes: 8 }).dots.slice(0, 8)).toEqual(before);
	});

	test('stays on the paper and its rings never touch', () => {
		for (let index = 0; index < 500; index++) {
			const drawing = projectDrawing({ ...shape, id: String(index), rounds: 5, nodes: 24 });
			insidePaper(drawing);
			drawing.circles.slice(1).forEach((outer, inner) => {
				const { x, y, r } = drawing.circles[inner]!;
				expect(Math.hypot(outer.x - x, outer.y - y) + r).toBeLessThan(outer.r - 2);
			});
		}
	});
});

describe('a round', () => {
	test('has five directions, the first one at the top', () => {
		const { arcs, dots } = roundDrawing({ number: 1, filled: ['extract'], current: 'overview' });
		expect(arcs.map(({ tone }) => tone)).toEqual(STEPS);
		expect(arcs.map(({ drawn }) => drawn)).toEqual([false, true, false, false, false]);
		expect(dots).toEqual([{ x: 50, y: 6, r: 4.5, tone: 'overview' }]);
	});

	test('closes when all five are filled', () => {
		const ends = (path: string) => path.match(/^M(\S+ \S+)A.* (\S+ \S+)$/)!.slice(1);
		const joined = (filled: typeof STEPS) => {
			const arcs = roundDrawing({ number: 1, filled }).arcs.map(({ path }) => ends(path));
			return arcs.every(([, end], index) => end === arcs[(index + 1) % 5]![0]);
		};
		expect(joined(STEPS.slice(0, 4))).toBe(false);
		expect(joined(STEPS)).toBe(true);
	});

	test('has the rounds before it inside', () => {
		expect(roundDrawing({ number: 1, filled: [] }).circles).toEqual([]);
		expect(roundDrawing({ number: 5, filled: [] }).circles).toHaveLength(4);
	});
});

describe('the component', () => {
	test('is decoration without a label and an image with one', () => {
		expect(render(Ring, { props: { drawing: logo } }).body).toContain('aria-hidden="true"');
		const { body } = render(Ring, { props: { drawing: empty, label: '第1周' } });
		expect(body).toContain('role="img"');
		expect(body).toContain('aria-label="第1周"');
	});

	test('has no style attribute, which the content security policy forbids', () => {
		const { body } = render(Ring, { props: { drawing: projectDrawing(shape) } });
		expect(body).not.toContain('style=');
	});
});

test('logo and empty state stay on the paper', () => {
	insidePaper(logo);
	insidePaper(empty);
});
