import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Undo } from './undo.svelte';

interface Value {
	text: string;
}

class FakeDraft {
	value: Value = { text: '' };
	change(value: Value) {
		this.value = value;
	}
}

let draft: FakeDraft;
let undo: Undo<Value>;

beforeEach(() => {
	vi.useFakeTimers();
	draft = new FakeDraft();
	undo = new Undo(draft);
	return () => vi.useRealTimers();
});

function type(text: string) {
	for (let length = 1; length <= text.length; length++) {
		undo.type({ text: text.slice(0, length) });
		vi.advanceTimersByTime(100);
	}
}

test('there is nothing to undo at first', () => {
	expect(undo.undoable).toBeNull();
	expect(undo.undo()).toBeNull();
	expect(undo.redo()).toBeNull();
	expect(draft.value).toEqual({ text: '' });
});

test('a change is undone, and done again', () => {
	undo.act({ text: 'moved' }, 'Moved.');
	expect(undo.undoable?.message).toBe('Moved.');
	undo.undo();
	expect(draft.value).toEqual({ text: '' });
	expect(undo.redoable?.message).toBe('Moved.');
	undo.redo();
	expect(draft.value).toEqual({ text: 'moved' });
	expect(undo.redoable).toBeNull();
});

test('several changes are undone one after the other', () => {
	for (const text of ['one', 'two', 'three']) undo.act({ text }, text);
	const undone = [1, 2, 3].map(() => undo.undo()?.message);
	expect(undone).toEqual(['three', 'two', 'one']);
	expect(draft.value).toEqual({ text: '' });
	undo.redo();
	undo.redo();
	expect(draft.value).toEqual({ text: 'two' });
});

test('what is done after an undo leaves nothing to redo', () => {
	undo.act({ text: 'one' }, 'one');
	undo.undo();
	undo.act({ text: 'other' }, 'other');
	expect(undo.redoable).toBeNull();
});

describe('typing', () => {
	test('in one go is one change', () => {
		type('温度を測る');
		expect(draft.value).toEqual({ text: '温度を測る' });
		undo.undo();
		expect(draft.value).toEqual({ text: '' });
		expect(undo.undoable).toBeNull();
	});

	test('after a pause is another one', () => {
		type('ab');
		vi.advanceTimersByTime(5_000);
		undo.type({ text: 'abc' });
		undo.undo();
		expect(draft.value).toEqual({ text: 'ab' });
	});

	test('is told apart from a change of structure', () => {
		undo.act({ text: 'moved' }, 'Moved.');
		type('x');
		expect(undo.undoable?.message).toBeNull();
		undo.undo();
		expect(undo.undoable?.message).toBe('Moved.');
	});

	test('that the field took back by itself leaves what was done before it', () => {
		undo.act({ text: 'moved' }, 'Moved.');
		undo.type({ text: 'moved!' });
		undo.type({ text: 'moved' });
		expect(undo.undoable?.message).toBe('Moved.');
	});
});

test('what came from elsewhere is not undone', () => {
	undo.act({ text: 'mine' }, 'mine');
	draft.value = { text: 'from another device' };
	expect(undo.undoable).toBeNull();
	undo.undo();
	expect(draft.value).toEqual({ text: 'from another device' });
	undo.act({ text: 'on top of it' }, 'more');
	undo.undo();
	expect(draft.value).toEqual({ text: 'from another device' });
	expect(undo.undoable).toBeNull();
});

test('the same value given back by the server is no other one', () => {
	undo.act({ text: 'mine' }, 'mine');
	draft.value = { text: 'mine' };
	undo.undo();
	expect(draft.value).toEqual({ text: '' });
});

test('a change that something else made can be noted', () => {
	const before = draft.value;
	draft.value = { text: 'restored' };
	undo.record(before, 'Restored.');
	undo.undo();
	expect(draft.value).toEqual({ text: '' });
});
