import 'fake-indexeddb/auto';
import { beforeEach, expect, test } from 'vitest';
import { Answers } from './answers';
import { database } from './database';

const API = 'https://api.example.org/api/v1';
const node = { id: 'node-1', version: 2, title: '誤差', image: '/media/1.webp' };
const other = { id: 'node-2', version: 1, title: '転記', image: null };

let answers: Answers;

beforeEach(async () => {
	await (await database()).clear('answers');
	answers = new Answers('alice');
	await answers.keep(`${API}/nodes/`, { count: 2, results: [node, other] });
	await answers.keep(`${API}/nodes/node-1/`, node);
});

const read = async (path: string) => (await answers.read(API + path))?.body;

test('what was read is there, for its account alone', async () => {
	expect(await read('/nodes/node-1/')).toEqual(node);
	expect(await new Answers('bob').read(`${API}/nodes/node-1/`)).toBeNull();
});

test('what was written is in every answer that has the object', async () => {
	const written = { ...node, version: 3, title: '測定の誤差' };
	await answers.absorb('PATCH', `${API}/nodes/node-1/`, Response.json(written));
	expect(await read('/nodes/node-1/')).toEqual(written);
	expect(await read('/nodes/')).toEqual({ count: 2, results: [written, other] });
});

test('an object is found wherever it was read last', async () => {
	expect(await answers.find('node-2')).toEqual(other);
	expect(await answers.find('node-9')).toBeNull();
	await answers.update({ ...other, title: '転記の誤り', version: 2 });
	expect(await answers.find('node-2')).toMatchObject({ title: '転記の誤り' });
});

test('an older answer that comes late changes nothing', async () => {
	await answers.absorb('PATCH', `${API}/nodes/node-1/`, Response.json({ ...node, version: 1 }));
	expect(await read('/nodes/node-1/')).toEqual(node);
});

test('what was deleted is in no answer', async () => {
	const nothing = new Response(null, { status: 204 });
	await answers.absorb('DELETE', `${API}/nodes/node-1/`, nothing);
	expect(await read('/nodes/node-1/')).toBeUndefined();
	expect(await read('/nodes/')).toEqual({ count: 1, results: [other] });
});

test('what was deleted comes back where it was, into lists as they are now', async () => {
	const before = await answers.having('node-1');
	await answers.remove('node-1');
	const third = { id: 'node-3', version: 1, title: '棚', image: null };
	await answers.keep(`${API}/nodes/`, { count: 2, results: [other, third] });
	await answers.bringBack('node-1', before);
	await answers.bringBack('node-1', before);
	expect(await read('/nodes/node-1/')).toEqual(node);
	expect(await read('/nodes/')).toEqual({ count: 3, results: [node, other, third] });
	await answers.remove('node-1');
	expect(await read('/nodes/')).toEqual({ count: 2, results: [other, third] });
});

test('what only lost a part stays, without the part', async () => {
	const bare = { ...node, version: 3, image: null };
	const response = Response.json(bare);
	await answers.absorb('DELETE', `${API}/nodes/node-1/image/`, response);
	expect(await read('/nodes/node-1/')).toEqual(bare);
	expect(await read('/nodes/')).toEqual({ count: 2, results: [bare, other] });
	// Whoever asked reads it yet.
	expect(await response.json()).toEqual(bare);
});
