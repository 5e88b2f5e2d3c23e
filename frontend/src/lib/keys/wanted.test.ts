import { expect, test, vi } from 'vitest';
import { wanted } from './wanted';

/** As much of the page as the keys look at. */
class Place {
	constructor(readonly written: boolean) {}
	closest() {
		return this.written ? this : null;
	}
}
vi.stubGlobal('Element', Place);

const press = (key: string, also: object = {}) =>
	({ key, target: new Place(false), ...also }) as unknown as KeyboardEvent;
const field = { target: new Place(true) };

test('it works', () => {
	expect(wanted(press('/'), true)).toBe('search');
	expect(wanted(press('?', { shiftKey: true }), true)).toBe('keys');
	expect(wanted(press('k', { ctrlKey: true }), true)).toBe('search');
	expect(wanted(press('K', { metaKey: true }), true)).toBe('search');
});

test('a slash is a slash in a field, and Ctrl+K works there too', () => {
	expect(wanted(press('/', field), true)).toBe(null);
	expect(wanted(press('?', field), true)).toBe(null);
	expect(wanted(press('k', { ctrlKey: true, ...field }), true)).toBe('search');
});

test('nothing opens while an input method is composing', () => {
	for (const composing of [{ isComposing: true }, { keyCode: 229 }]) {
		expect(wanted(press('/', composing), true)).toBe(null);
		expect(wanted(press('k', { ctrlKey: true, ...composing }), true)).toBe(null);
	}
});

test('single keys can be turned off', () => {
	expect(wanted(press('/'), false)).toBe(null);
	expect(wanted(press('?'), false)).toBe(null);
	expect(wanted(press('k', { ctrlKey: true }), false)).toBe('search');
});

test('other keys are left to the browser', () => {
	expect(wanted(press('k'), true)).toBe(null);
	expect(wanted(press('/', { ctrlKey: true }), true)).toBe(null);
	expect(wanted(press('/', { altKey: true }), true)).toBe(null);
	expect(wanted(press('k', { ctrlKey: true, shiftKey: true }), true)).toBe(null);
	expect(wanted(press('/', { defaultPrevented: true }), true)).toBe(null);
});
