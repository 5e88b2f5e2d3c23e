import { expect, test } from 'vitest';
import { placeOf } from './kept';

test.each([
	['project', null, '/projects/7'],
	['round', null, '/rounds/7'],
	['step', 'flow', '/rounds/7?step=flow'],
	['node', null, '/nodes/7'],
	['link', null, '/nodes/7']
] as const)('the page of a %s that was kept', (kind, step, page) => {
	expect(placeOf({ kind, step, title: 'x', place: '7' })).toBe(page);
});
