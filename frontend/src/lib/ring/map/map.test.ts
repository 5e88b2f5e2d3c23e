import { describe, expect, test } from 'vitest';
import type { Graph } from '$lib/api/types';
import { STEPS } from '$lib/steps/content';
import { random } from '../drawing';
import { Grid } from './grid';
import type { Palette } from './palette';
import { arrival, presence, radius, sceneOf } from './scene';
import { escape, svg } from './svg';
import { dial, numbers, short, speakers, titles, touches, type Box } from './texts';
import { between, BAND, fit, growth, keep, reveal, zoom } from './view';
import { turn, Walk } from './walk';

type GraphNode = Graph['nodes'][number];

const PAPER = { width: 800, height: 600 };
const measure = (text: string) => text.length * 0.6;

function node(id: string, round: number | null, at: number, more: Partial<GraphNode> = {}) {
	const radius = round ?? 0.5;
	const angle = at * 2 * Math.PI;
	const place = { x: radius * Math.sin(angle), y: -radius * Math.cos(angle) };
	const step = round ? STEPS[Math.round(at * 5) % 5]! : null;
	return { id, title: id, round, step, global: false, recurs: 1, ...place, ...more };
}

function link(from: string, to: string, weight = 0.5): Graph['links'][number] {
	return { id: `${from}-${to}`, from, to, weight, origin: 'manual' };
}

const graph: Graph = {
	project: 'p',
	rounds: 3,
	nodes: [
		node('free', null, 0.3),
		node('a', 1, 0),
		node('b', 1, 0.4),
		node('c', 2, 0.05, { recurs: 3 }),
		node('d', 3, 0.5),
		node('g', null, 0, { global: true, x: 3.7, y: 0 })
	],
	links: [link('a', 'c', 0.9), link('c', 'd', 0.2), link('c', 'g'), link('a', 'gone')]
};
const scene = sceneOf(graph);
const at = (id: string) => scene.dots.findIndex((dot) => dot.id === id);

function many(count: number): Graph {
	const next = random('many');
	const nodes = Array.from({ length: count }, (_, index) =>
		node(`word ${index}`, 1 + Math.floor(next() * 5), next())
	);
	return { project: 'p', rounds: 5, nodes, links: [] };
}

describe('a scene', () => {
	test('has a dot a node and a chord a link whose ends are there', () => {
		expect(scene.dots).toHaveLength(6);
		expect(scene.chords.map(({ weight }) => weight)).toEqual([0.2, 0.5, 0.9]);
		expect(scene.dots[at('c')]!.chords).toHaveLength(3);
	});

	test('reaches around everything', () => {
		for (const { x, y } of scene.dots) expect(Math.hypot(x, y)).toBeLessThan(scene.reach);
		expect(sceneOf({ ...graph, nodes: [], links: [] }).reach).toBeGreaterThan(3);
	});

	test('leaves some paper between dots, however small the map', () => {
		const close = sceneOf({
			...graph,
			nodes: [-0.2, 0, 0.2].map((x) => node(`${x}`, 1, 0, { x, y: -0.6, recurs: 5 }))
		});
		for (const grown of [28, 100, 400]) {
			const [a, b] = close.dots.map((dot) => radius(dot, grown, close));
			expect(a! + b!).toBeLessThan(0.2 * grown);
		}
	});

	test('draws what recurs larger, and global nodes hollow', () => {
		expect(scene.dots[at('c')]!.r).toBeGreaterThan(scene.dots[at('a')]!.r);
		expect(scene.dots.filter(({ hollow }) => hollow).map(({ id }) => id)).toEqual(['g']);
	});

	test('lets a round come: first not there, then on its way outward, then in its place', () => {
		expect([1, 1.5, 2, 3].map((shown) => presence(2, shown))).toEqual([0, 0.5, 1, 1]);
		expect([1.5, 2, 3].map((shown) => arrival(2, shown))).toEqual([0.875, 1, 1]);
		expect(presence(1, 1)).toBe(1);
	});
});

describe('a view', () => {
	const whole = fit(PAPER, scene);

	test('has room for everything, the names of the steps included', () => {
		expect(scene.reach * whole.scale + BAND).toBeCloseTo(300);
	});

	test('keeps what is pointed at where it is, while there is room', () => {
		const nearer = zoom(whole, 3, 420, 310, PAPER, scene);
		expect((420 - nearer.x) / nearer.scale).toBeCloseTo((420 - whole.x) / whole.scale);
		expect((310 - nearer.y) / nearer.scale).toBeCloseTo((310 - whole.y) / whole.scale);
	});

	test('comes back to the whole, and no further', () => {
		expect(zoom(zoom(whole, 5, 10, 10, PAPER, scene), 0.01, 700, 500, PAPER, scene)).toEqual(whole);
	});

	test('never loses the map', () => {
		const lost = keep({ x: 1e6, y: -1e6, scale: whole.scale * 4 }, PAPER, scene);
		expect(Math.abs(lost.x - 400)).toBeLessThanOrEqual(scene.reach * lost.scale + BAND);
	});

	test('reveals a dot that is off the paper', () => {
		const nearer = zoom(whole, 8, 0, 0, PAPER, scene);
		const dot = scene.dots[at('d')]!;
		const { x, y, scale } = reveal(nearer, dot, PAPER);
		expect(x + dot.x * scale).toBeLessThanOrEqual(PAPER.width);
		expect(y + dot.y * scale).toBeLessThanOrEqual(PAPER.height);
	});

	test('goes from one to the other', () => {
		const nearer = zoom(whole, 3, 420, 310, PAPER, scene);
		expect(between(whole, nearer, 0)).toEqual(whole);
		expect(between(whole, nearer, 1).scale).toBeCloseTo(nearer.scale);
		expect(between(whole, nearer, 1).x).toBeCloseTo(nearer.x);
	});
});

describe('a grid', () => {
	test('finds the same as asking every dot', () => {
		const { dots } = sceneOf(many(400));
		const grid = new Grid(dots);
		const next = random('points');
		for (let index = 0; index < 300; index++) {
			const [x, y, within] = [next() * 12 - 6, next() * 12 - 6, next() * 0.8];
			const near = dots
				.map((dot, index) => ({ index, distance: Math.hypot(dot.x - x, dot.y - y) }))
				.filter(({ distance }) => distance <= within)
				.sort((a, b) => a.distance - b.distance);
			expect(grid.nearest(x, y, within, () => true)).toBe(near[0]?.index ?? null);
			const inside = dots.some((dot) => dot.x > x && dot.x < x + 1 && dot.y > y && dot.y < y + 1);
			expect(grid.any(x, y, x + 1, y + 1, () => true)).toBe(inside);
		}
	});

	test('passes over what does not count', () => {
		const grid = new Grid([{ x: 0, y: 0 }]);
		expect(grid.nearest(0, 0, 1, () => false)).toBeNull();
	});
});

describe('a walk', () => {
	const walk = new Walk(scene, 3);
	const id = (index: number | null) => index !== null && scene.dots[index]!.id;

	test('goes along a ring and around it', () => {
		expect(id(walk.along(at('a'), 1))).toBe('b');
		expect(id(walk.along(at('b'), 1))).toBe('a');
		expect(id(walk.along(at('a'), -1))).toBe('b');
	});

	test('goes from ring to ring, to what is nearest in direction, and stops at the ends', () => {
		expect(id(walk.first())).toBe('free');
		expect(id(walk.across(at('c'), -1))).toBe('a');
		expect(id(walk.across(at('d'), 1))).toBe('g');
		expect(id(walk.across(at('g'), 1))).toBe('g');
		expect(id(walk.across(at('free'), -1))).toBe('free');
	});

	test('goes to every linked node, clockwise', () => {
		const linked = walk.linked(at('c'));
		expect(linked.map(id).sort()).toEqual(['a', 'd', 'g']);
		const { x, y } = scene.dots[at('c')]!;
		const turns = linked.map((index) =>
			turn({ x: scene.dots[index]!.x - x, y: scene.dots[index]!.y - y })
		);
		expect(turns).toEqual([...turns].sort((a, b) => a - b));
	});

	test('stays within the rounds that are shown', () => {
		const earlier = new Walk(scene, 2);
		expect(earlier.linked(at('c')).map(id)).not.toContain('d');
		expect(earlier.rings.flat()).not.toContain(at('d'));
	});

	test('reaches every node by the arrows alone', () => {
		const { dots } = sceneOf(many(60));
		const walk = new Walk(sceneOf(many(60)), 5);
		const reached = new Set([walk.first()!]);
		for (const dot of reached) {
			for (const by of [1, -1] as const) {
				reached.add(walk.along(dot, by)).add(walk.across(dot, by));
			}
		}
		expect(reached.size).toBe(dots.length);
	});
});

describe('texts', () => {
	const big = sceneOf(many(500));
	const whole = fit(PAPER, big);
	const place = (covers: (dot: number, box: Box) => boolean = () => false) =>
		titles({
			scene: big,
			view: whole,
			whole,
			paper: PAPER,
			shown: 5,
			order: speakers(big),
			taken: [],
			measure,
			most: 50,
			covers,
			insist: false
		});

	test('titles never lie over one another, nor off the paper', () => {
		const boxes = place().map(({ text, x, y, anchor }) => {
			const width = measure(text) * 13;
			const left = { start: x, middle: x - width / 2, end: x - width }[anchor];
			return { left, y, width };
		});
		expect(boxes.length).toBeGreaterThan(5);
		boxes.forEach((a, index) => {
			expect(a.left).toBeGreaterThanOrEqual(0);
			expect(a.left + a.width).toBeLessThanOrEqual(PAPER.width);
			for (const b of boxes.slice(index + 1)) {
				const apart = a.left + a.width <= b.left || b.left + b.width <= a.left;
				expect(apart || Math.abs(a.y - b.y) >= 13).toBe(true);
			}
		});
	});

	test('titles give way to dots', () => {
		expect(place(() => true)).toEqual([]);
	});

	test('a title lies above or below its dot where there are others on both sides', () => {
		const row = sceneOf({
			...{ project: 'p', rounds: 1, links: [] },
			nodes: [-0.15, 0, 0.15].map((x) => node(`at ${x}`, 1, 0, { x, y: -1 }))
		});
		const view = fit(PAPER, row);
		const grown = growth(view, view);
		const size = (dot: number) => radius(row.dots[dot]!, grown, row);
		const covers = (dot: number, box: Box) =>
			row.dots.some(
				({ x, y }, other) =>
					other !== dot &&
					touches(box, view.x + x * view.scale, view.y + y * view.scale, size(other))
			);
		const found = titles({
			...{ scene: row, view, whole: view, paper: PAPER, shown: 1, order: speakers(row) },
			...{ taken: [], measure, most: 50, covers, insist: false }
		});
		expect(found).toHaveLength(3);
		expect(found.find(({ dot }) => dot === 1)!.anchor).toBe('middle');
	});

	test('what recurs speaks first', () => {
		expect(scene.dots[speakers(scene)[0]!]!.id).toBe('c');
	});

	test('a long title is cut between letters', () => {
		expect(short('誤差')).toBe('誤差');
		expect([...short('😀'.repeat(40))]).toHaveLength(22);
		expect(short('😀'.repeat(40)).endsWith('…')).toBe(true);
	});

	test('the names of the steps stand on a circle, each in its direction', () => {
		const names = STEPS.map((step) => ({ name: 'name', tone: step }));
		const letters = dial(names, scene, whole, measure);
		STEPS.forEach((step, index) => {
			const own = letters.filter(({ tone }) => tone === step);
			expect(own.map(({ text }) => text).join('')).toBe(`${index + 1}name`);
			const middle = own.reduce(
				(sum, { x, y }) => ({ x: sum.x + x - whole.x, y: sum.y + y - whole.y }),
				{ x: 0, y: 0 }
			);
			const off = Math.abs(turn(middle) - index / 5);
			expect(Math.min(off, 1 - off)).toBeLessThan(0.02);
			for (const { angle } of own) expect(Math.cos(angle!)).toBeGreaterThan(0);
		});
	});

	test('each ring has its number, and leaves room for it', () => {
		const texts = numbers((round) => `Round ${round}`, scene, whole, measure);
		expect(texts.map(({ text }) => text)).toEqual(['Round 1', 'Round 2', 'Round 3']);
		for (const { x, y, text, size, clearing } of texts) {
			expect(clearing!.right - clearing!.left).toBeGreaterThan(measure(text) * size);
			expect((clearing!.left + clearing!.right) / 2).toBeCloseTo(x);
			expect((clearing!.top + clearing!.bottom) / 2).toBeCloseTo(y);
		}
	});
});

describe('the SVG file', () => {
	const colours = new Proxy({} as Palette, { get: (_, name) => `rgb(${String(name)})` });
	const whole = fit(PAPER, scene);
	const draw = (shown: number, title = 'Map') =>
		svg(scene, whole, PAPER, [], colours, { title, font: '"A", sans-serif', shown });

	test('has every ring, chord and dot', () => {
		const file = draw(3);
		expect(file.match(/<line /g)).toHaveLength(scene.chords.length);
		expect(file.match(/<circle /g)).toHaveLength(scene.rounds + scene.dots.length);
		expect(file).toContain('font-family="&quot;A&quot;, sans-serif"');
	});

	test('interrupts the rings for their numbers, and nothing that lies over them', () => {
		const texts = numbers(
			(round) => `Round ${round}`,
			scene,
			whole,
			(text) => text.length
		);
		const named = { title: 'Map', font: 'A', shown: 3 };
		const file = svg(scene, whole, PAPER, texts, colours, named);
		const [paper, ...clearings] = [...file.matchAll(/<rect /g)].map(({ index }) => index);
		expect(paper).toBeLessThan(file.indexOf('<circle '));
		expect(clearings).toHaveLength(scene.rounds);
		for (const place of clearings) {
			expect(place).toBeGreaterThan(file.indexOf('<circle '));
			expect(place).toBeLessThan(file.indexOf('<line '));
		}
	});

	test('has what is shown on the map, no more', () => {
		expect(draw(1).match(/<title>/g)).toHaveLength(1 + 4);
		expect(draw(1).match(/<line /g)).toBeNull();
	});

	test('shows markup, never lets it run, and is XML whatever a title holds', () => {
		expect(draw(3, '<script>alert(1)</script>')).not.toContain('<script');
		expect(escape('a\u0000b\u000bc\ud800&<"\'>')).toBe('abc&amp;&lt;&quot;&#39;&gt;');
		expect(escape('😀\n')).toBe('😀\n');
	});
});
