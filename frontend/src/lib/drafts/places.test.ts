import { expect, test } from 'vitest';
import { overwriteGetLocale } from '$lib/paraglide/runtime';
import { placeOf } from './places';

overwriteGetLocale(() => 'en');

const objects: Record<string, unknown> = {
	s: { id: 's', round: 'r', project: 'p', type: 'flow' },
	r: { id: 'r', project: 'p', number: 2 },
	p: { id: 'p', title: 'Stocktaking' }
};
const find = async (id: string) => objects[id] ?? null;
const nothing = async () => null;

test('a step is called by its project, its round and itself', async () => {
	expect(await placeOf('step', 's', find, nothing)).toEqual({
		href: '/rounds/r?step=flow',
		names: ['Stocktaking', 'Round 2 · Flow']
	});
});

test('so is the note of a round', async () => {
	const place = await placeOf('note', 'r', find, nothing);
	expect(place).toEqual({ href: '/rounds/r', names: ['Stocktaking', 'Round 2'] });
});

test('a step of which this browser knows nothing is read', async () => {
	const place = await placeOf('step', 's', nothing, find);
	expect(place).toEqual({ href: '/rounds/r?step=flow', names: ['Flow'] });
	expect(await placeOf('step', 's', nothing, nothing)).toEqual({ href: null, names: [] });
});

test('names and titles are written out already', async () => {
	expect(await placeOf('node', 'n', find, nothing)).toEqual({ href: '/nodes/n', names: [] });
});
