import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ApiError } from '$lib/api/errors';
import * as content from '$lib/steps/content';
import type { Item, Lists } from '$lib/steps/content';
import { Copies, type Copy } from './copies';
import { Draft, type Transport } from './draft.svelte';
import { MemoryBrowser } from './memory-store.test-helper';
import { differences, joined, merge, type Choices, type Value } from './merge';

const item = (id: string, text = id): Item => ({ id, text, struck: false, origin: null });
const flow = (...items: Item[]): Lists => ({ items });

describe('texts', () => {
	const base = { theme: 'a', purpose: 'b', pain: 'c' };

	test('only what differs is asked about, and who alone changed it is suggested', () => {
		const found = differences(base, { ...base, theme: 'mine' }, { ...base, purpose: 'theirs' });
		expect(found.map(({ field, suggested }) => [field, suggested])).toEqual([
			['theme', 'mine'],
			['purpose', 'theirs']
		]);
		expect(merge(base, { ...base, theme: 'mine' }, { ...base, purpose: 'theirs' }, {})).toEqual({
			theme: 'mine',
			purpose: 'theirs',
			pain: 'c'
		});
	});

	test('what both changed is kept twice, unless one is chosen', () => {
		const [mine, theirs] = [
			{ ...base, theme: 'mine' },
			{ ...base, theme: 'theirs' }
		];
		expect(merge(base, mine, theirs, {}).theme).toBe('mine\ntheirs');
		expect(merge(base, mine, theirs, { theme: 'mine' })).toBe(mine);
		expect(merge(base, mine, theirs, { theme: 'theirs' })).toBe(theirs);
	});

	test('a note is one text', () => {
		expect(merge('', 'mine', 'theirs', {})).toBe('mine\ntheirs');
		expect(merge(undefined, 'mine', 'theirs', { '': 'theirs' })).toBe('theirs');
	});

	test('a title has room for one', () => {
		const [found] = differences({ title: 'a' }, { title: 'mine' }, { title: 'theirs' });
		expect(found).toMatchObject({ sides: ['mine', 'theirs'], suggested: 'mine' });
	});

	test('lines that both have are there once', () => {
		expect(joined('one\ntwo\nmine', 'one\ntwo\ntheirs')).toBe('one\ntwo\nmine\ntheirs');
		expect(joined('one', 'one and more')).toBe('one and more');
		expect(joined('', 'theirs')).toBe('theirs');
	});
});

describe('lists', () => {
	const base = flow(item('a'), item('b'));

	test('items of both sides stand where their side put them', () => {
		const mine = flow(item('a'), item('m'), item('b'));
		const theirs = flow(item('a'), item('b'), item('t'));
		expect(merge(base, mine, theirs, {})).toEqual(flow(item('a'), item('m'), item('b'), item('t')));
	});

	test('an item changed here and removed there stays', () => {
		const mine = flow(item('a', 'mine'), item('b'));
		expect(merge(base, mine, flow(item('b')), {})).toEqual(mine);
		expect(merge(base, mine, flow(item('b')), { a: 'theirs' })).toEqual(flow(item('b')));
	});

	test('an item removed there and untouched here goes', () => {
		expect(merge(base, flow(item('a'), item('b', 'mine')), flow(item('b')), {})).toEqual(
			flow(item('b', 'mine'))
		);
	});

	test('two texts of one item become two items', () => {
		const merged = merge(
			base,
			flow(item('a', 'mine'), item('b')),
			flow(item('a', 'theirs'), item('b')),
			{}
		);
		expect(merged.items!.map(({ text }) => text)).toEqual(['mine', 'theirs', 'b']);
		expect(new Set(merged.items!.map(({ id }) => id)).size).toBe(3);
	});

	test('an order that only they changed is theirs', () => {
		const mine = flow(item('a', 'mine'), item('b'));
		const merged = merge(base, mine, flow(item('b'), item('a')), {});
		expect(merged.items!.map(({ text }) => text)).toEqual(['b', 'mine']);
	});

	test('an order that both changed is asked for, beside a text that differs', () => {
		const three = flow(item('a'), item('b'), item('c'));
		const mine = flow(item('b'), item('a'), item('c'));
		const theirs = flow(item('c', 'theirs'), item('a'), item('b'));
		const found = differences(three, mine, theirs);
		expect(found.map(({ kind, suggested }) => [kind, suggested])).toEqual([
			['item', 'theirs'],
			['order', 'mine']
		]);
		const texts = (choices: Choices) =>
			merge(three, mine, theirs, choices).items!.map(({ text }) => text);
		expect(texts({})).toEqual(['b', 'a', 'theirs']);
		expect(texts({ [found[1]!.key]: 'theirs' })).toEqual(['theirs', 'a', 'b']);
		expect(texts({ c: 'mine', [found[1]!.key]: 'theirs' })).toEqual(['c', 'a', 'b']);
	});

	test('an item moved to another list there takes along what was written here', () => {
		const columns = { must: [item('a')], later: [] };
		const merged = merge(
			columns,
			{ must: [item('a'), item('m')], later: [] },
			{ must: [], later: [item('a')] },
			{}
		);
		expect(merged).toEqual({ must: [item('m')], later: [item('a')] });
	});
});

/** Every word written so far, each one of its own. */
function writer() {
	let count = 0;
	return () => `w${++count}.`;
}

const words = (value: Value): string[] => JSON.stringify(value).match(/w\d+\./g) ?? [];
const edits = fc.array(fc.tuple(fc.nat(5), fc.nat(30), fc.nat(30)), { maxLength: 8 });

/** An edit that adds a word; or moves, strikes or re-orders what is there. */
function editTexts(texts: Record<string, string>, [, where]: number[], word: () => string) {
	const fields = Object.keys(texts);
	const field = fields[where! % fields.length]!;
	return { ...texts, [field]: `${texts[field]}\n${word()}`.trim() };
}

function editLists(lists: Lists, [kind, where, to]: number[], word: () => string): Lists {
	const names = Object.keys(lists);
	const all = Object.values(lists).flat();
	const target = names[to! % names.length]!;
	const one = all[where! % Math.max(1, all.length)];
	if (kind! < 2 || !one) return content.add(lists, target, content.newItem(word()), one?.id);
	if (kind === 2) return content.edit(lists, one.id, `${one.text} ${word()}`);
	if (kind === 3) return content.place(lists, one.id, target, to! % 3);
	if (kind === 4) return content.strike(lists, one.id);
	return content.move(lists, one.id, 1);
}

const EMPTY = {
	texts: { theme: '', purpose: '', pain: '' } as Value,
	lists: { must: [], optional: [], later: [] } as Value
};

type Kind = keyof typeof EMPTY;

const apply = (value: Value, list: number[][], word: () => string): Value =>
	list.reduce<Value>(
		(value, edit) =>
			Object.values(value).some(Array.isArray)
				? editLists(value as Lists, edit, word)
				: editTexts(value as Record<string, string>, edit, word),
		value
	);

describe.each(['texts', 'lists'] as Kind[])('random edits of %s', (kind) => {
	test('as suggested, no word of either side is lost and none comes from nowhere', () => {
		fc.assert(
			fc.property(edits, edits, edits, fc.boolean(), (before, one, other, known) => {
				const word = writer();
				const base = apply(EMPTY[kind], before, word);
				const [mine, theirs] = [apply(base, one, word), apply(base, other, word)];
				const merged = merge(known ? base : undefined, mine, theirs, {});
				expect(new Set(words(merged))).toEqual(new Set([...words(mine), ...words(theirs)]));
				const ids = Object.values(merged as Lists).flatMap((part) =>
					Array.isArray(part) ? part.map(({ id }) => id) : []
				);
				expect(new Set(ids).size).toBe(ids.length);
			}),
			{ numRuns: 500 }
		);
	});

	test('whatever is chosen, each word goes only where a choice sends it', () => {
		fc.assert(
			fc.property(edits, edits, edits, fc.infiniteStream(fc.nat(2)), (before, one, other, dice) => {
				const word = writer();
				const base = apply(EMPTY[kind], before, word);
				const [mine, theirs] = [apply(base, one, word), apply(base, other, word)];
				const found = differences(base, mine, theirs);
				const choices = Object.fromEntries(
					found.map(({ key, sides }) => [key, sides[dice.next().value % sides.length]!])
				);
				const merged = new Set(words(merge(base, mine, theirs, choices)));
				for (const { key, kind, mine, theirs } of found) {
					if (kind === 'order') continue;
					if (choices[key] !== 'theirs')
						for (const w of words(mine ? JSON.stringify(mine) : '')) expect(merged).toContain(w);
					if (choices[key] !== 'mine')
						for (const w of words(theirs ? JSON.stringify(theirs) : ''))
							expect(merged).toContain(w);
				}
				const all = (side: 'mine' | 'theirs') =>
					Object.fromEntries(found.map(({ key }) => [key, side]));
				expect(merge(base, mine, theirs, all('mine'))).toEqual(mine);
				expect(merge(base, mine, theirs, all('theirs'))).toEqual(theirs);
			}),
			{ numRuns: 500 }
		);
	});

	test('tabs of two devices with a bad network lose no word that one accepted', async () => {
		const steps = fc.array(
			fc.record({
				tab: fc.nat(2),
				edit: fc.option(fc.tuple(fc.nat(5), fc.nat(30), fc.nat(30)), { freq: 2 }),
				network: fc.constantFrom('there', 'there', 'gone', 'answer lost'),
				reload: fc.integer({ min: 0, max: 2 }).map((die) => die === 0)
			}),
			{ minLength: 2, maxLength: 14 }
		);
		await fc.assert(
			fc.asyncProperty(steps, async (steps) => {
				const word = writer();
				const server = { value: EMPTY[kind], version: 1 };
				// The first and the last are tabs of one browser.
				const browsers = [new MemoryBrowser(), new MemoryBrowser()];
				const browserOf = (tab: number) => browsers[tab % 2]!;
				const network = ['there', 'there', 'there'];
				const transport = (tab: number): Transport<Value> => ({
					read: (object) => structuredClone(object) as typeof server,
					async write(value, version) {
						await Promise.resolve();
						if (network[tab] === 'gone') throw ApiError.offline();
						if (version !== server.version) {
							throw new ApiError(409, 'BIZ_002', '', [], null, null, structuredClone(server));
						}
						Object.assign(server, { value, version: version + 1 });
						if (network[tab] === 'answer lost') throw ApiError.offline();
						return structuredClone(server);
					}
				});
				let pages = 0;
				const alive: string[] = [];
				const copies: Copies[] = [];
				const open = async (tab: number) => {
					const browser = browserOf(tab);
					alive[tab] = `page ${pages++}`;
					copies[tab] = await Copies.open(browser.store(), browser.channel(), alive[tab]);
					return new Draft<Value>('step:1', structuredClone(server), transport(tab), copies[tab]);
				};
				const drafts = [await open(0), await open(1), await open(2)];
				const settle = async (draft: Draft<Value>) => {
					for (let turn = 0; turn < 20; turn++) {
						draft.retry();
						await new Promise((resolve) => setImmediate(resolve));
						if (draft.theirs) {
							draft.resolve(merge(draft.base, draft.value, draft.theirs.value, {}));
						}
						if (draft.state === 'saved') break;
					}
				};
				for (const { tab, edit, network: state, reload } of steps) {
					network[tab] = state;
					if (edit) drafts[tab]!.change(apply(drafts[tab]!.value, [edit], word));
					drafts[tab]!.retry();
					await new Promise((resolve) => setImmediate(resolve));
					if (reload) {
						drafts[tab]!.stop();
						drafts[tab] = await open(tab);
					}
				}
				network.fill('there');
				for (const [tab, draft] of drafts.entries()) {
					await settle(draft);
					for (const [, left] of copies[tab]!.foreign()) {
						if (alive.includes(left.page)) continue;
						draft.refresh(structuredClone(server));
						draft.inherit(left as Copy<Value>);
						await settle(draft);
					}
				}
				drafts.forEach((draft) => draft.stop());
				const written = Number(word().slice(1, -1)) - 1;
				expect(new Set(words(server.value)).size).toBe(written);
			}),
			{ numRuns: 300 }
		);
	}, 30_000);
});
