import { expect, test } from 'vitest';
import type { Hit } from '$lib/api/types';
import { overwriteGetLocale } from '$lib/paraglide/runtime';
import { address, kindName, place, saysMore } from './hits';

overwriteGetLocale(() => 'en');

const project = { id: 'p', title: 'Stocktaking' };
const step: Hit = {
	kind: 'step',
	id: 's',
	title: project.title,
	snippet: [
		{ text: 'A ', hit: false },
		{ text: 'count', hit: true }
	],
	project,
	round: { id: 'r', number: 2 },
	step: 'flow'
};
const node: Hit = { ...step, kind: 'node', id: 'n', title: 'Count' };

test('it works', () => {
	expect(address(step)).toBe('/rounds/r?step=flow');
	expect(kindName(step)).toBe('Step');
	expect(place(step)).toBe('Round 2 · Flow');
});

test('each kind is found where it is read', () => {
	expect(address({ ...step, kind: 'project', id: 'p' })).toBe('/projects/p');
	expect(address({ ...step, kind: 'round', id: 'r' })).toBe('/rounds/r');
	expect(address(node)).toBe('/nodes/n');
});

test('a node says which project it is of, or that it is of none', () => {
	expect(place(node)).toBe('Stocktaking · Round 2 · Flow');
	expect(place({ ...node, project: null, round: null, step: null })).toBe('Global');
});

test('a snippet that is the title is not said twice', () => {
	expect(saysMore(step)).toBe(true);
	expect(
		saysMore({
			...step,
			snippet: [
				{ text: 'Stock', hit: true },
				{ text: 'taking', hit: false }
			]
		})
	).toBe(false);
});
