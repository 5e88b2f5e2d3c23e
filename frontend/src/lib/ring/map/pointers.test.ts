import { beforeEach, expect, test } from 'vitest';
import { Pointers } from './pointers';

let pointers: Pointers;

beforeEach(() => {
	pointers = new Pointers();
	pointers.press(1, { x: 100, y: 100 });
});

test('one that stays where it went down has pressed', () => {
	expect(pointers.move(1, { x: 102, y: 103 })).toBeNull();
	expect(pointers.release(1)).toBe(true);
	expect(pointers.any).toBe(false);
});

test('one that moves drags, from where it went down, and has not pressed', () => {
	expect(pointers.move(1, { x: 102, y: 103 })).toBeNull();
	expect(pointers.move(1, { x: 110, y: 100 })).toMatchObject({ by: { x: 10, y: 0 }, factor: 1 });
	expect(pointers.move(1, { x: 111, y: 102 })).toMatchObject({ by: { x: 1, y: 2 }, factor: 1 });
	expect(pointers.release(1)).toBe(false);
});

test('two zoom around the middle between them, and neither has pressed', () => {
	pointers.press(2, { x: 200, y: 100 });
	expect(pointers.move(2, { x: 300, y: 100 })).toEqual({
		by: { x: 0, y: 0 },
		factor: 2,
		around: { x: 200, y: 100 }
	});
	expect(pointers.release(2)).toBe(false);
	expect(pointers.has(1)).toBe(true);
	expect(pointers.release(1)).toBe(false);
});

test('of two, the one that stays drags on from where it is', () => {
	pointers.press(2, { x: 200, y: 100 });
	pointers.move(1, { x: 50, y: 100 });
	pointers.release(2);
	expect(pointers.move(1, { x: 50, y: 120 })).toMatchObject({ by: { x: 0, y: 20 }, factor: 1 });
});
