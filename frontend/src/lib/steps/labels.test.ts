import { expect, test } from 'vitest';
import { LISTS, TEXTS } from './content';
import { partLabel } from './labels';

const parts = [...Object.values(TEXTS), ...Object.values(LISTS)].flat();

test.each(parts)('%s has a name and a hint', (part) => {
	expect(partLabel(part).name).toBeTruthy();
	expect(partLabel(part).hint).toBeTruthy();
});

test('no two parts have the same name', () => {
	expect(new Set(parts).size).toBe(parts.length);
});
