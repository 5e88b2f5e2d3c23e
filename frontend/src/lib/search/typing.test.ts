import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { debounce, isTooLong, typed } from './typing';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('only what was asked for last is done, once nothing more is asked for', () => {
	const work = vi.fn();
	const { later } = debounce(work, 100);
	later('a');
	vi.advanceTimersByTime(99);
	later('ab');
	vi.advanceTimersByTime(99);
	expect(work).not.toHaveBeenCalled();
	vi.advanceTimersByTime(1);
	expect(work.mock.calls).toEqual([['ab']]);
});

test('what was put off can be taken back', () => {
	const work = vi.fn();
	const { later, cancel } = debounce(work, 100);
	later();
	cancel();
	vi.runAllTimers();
	expect(work).not.toHaveBeenCalled();
});

test('an input method is waited for until it has composed', () => {
	const call = vi.fn();
	const input = new EventTarget() as HTMLInputElement;
	const type = (isComposing: boolean) =>
		input.dispatchEvent(Object.assign(new Event('input'), { isComposing }));
	const detach = typed(call)(input)!;
	type(true);
	expect(call).toHaveBeenCalledTimes(0);
	input.dispatchEvent(new Event('compositionend'));
	expect(call).toHaveBeenCalledTimes(1);
	type(false);
	expect(call).toHaveBeenCalledTimes(2);
	detach();
	type(false);
	expect(call).toHaveBeenCalledTimes(2);
});

test('what is too long for the server is known, by the characters that it counts', () => {
	expect(isTooLong('a'.repeat(200))).toBe(false);
	expect(isTooLong('a'.repeat(201))).toBe(true);
	expect(isTooLong('𠮷'.repeat(200))).toBe(false);
	expect(isTooLong(`  ${'a'.repeat(200)}\n`)).toBe(false);
});
