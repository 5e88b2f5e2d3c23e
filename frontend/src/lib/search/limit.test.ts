import { render } from 'svelte/server';
import { beforeEach, expect, test, vi } from 'vitest';
import '$lib/i18n/language.svelte';
import Nodes from '../../routes/nodes/Nodes.svelte';
import { loadNodes } from '../../routes/nodes/load';
import ProjectSearch from '../../routes/ProjectSearch.svelte';
import { loadResults } from '../../routes/search/load';
import Results from '../../routes/search/Results.svelte';
import { Shelf } from '../../routes/shelf.svelte';
import { Searching } from './searching.svelte';

const api = vi.hoisted(() => {
	vi.stubGlobal('navigator', { onLine: true });
	vi.stubGlobal('sessionStorage', { getItem: () => null });
	return { GET: vi.fn(async () => ({ results: [], count: 0 })) };
});
vi.mock('$lib/offline/account.svelte', () => ({ writes: { list: [] } }));
vi.mock('$lib/session', () => ({ session: { user: { id: 'u' } } }));
vi.mock('$lib/api/client', () => ({ api, call: (answer: unknown) => answer }));

const long = '在'.repeat(201);
const said = '検索できるのは200文字までです。短くしてください。';

beforeEach(() => void api.GET.mockClear());

test('as long as it may be is looked for', async () => {
	expect((await loadResults(`q=${'a'.repeat(200)}`)).q).toHaveLength(200);
	expect(api.GET).toHaveBeenCalledTimes(1);
});

test('the page of results keeps what is too long, and says the limit', async () => {
	const results = await loadResults(`q=${long}`);
	expect(api.GET).not.toHaveBeenCalled();
	const { body } = render(Results, { props: { results } });
	expect(body).toContain(said);
	expect(body).toContain(`value="${long}"`);
	expect(body).not.toContain('maxlength');
	expect(body.match(/<h2/g)).toBe(null);
});

test('so does the list of nodes', async () => {
	const data = await loadNodes(`q=${long}`);
	expect(api.GET).not.toHaveBeenCalled();
	const { body } = render(Nodes, { props: { data } });
	expect(body).toContain(said);
	expect(body).toContain(`value="${long}"`);
	expect(body).not.toContain('maxlength');
});

test('so does the search for a project', async () => {
	const shelf = new Shelf('active', long);
	await shelf.more();
	expect(shelf.loaded).toBe(true);
	expect(api.GET).not.toHaveBeenCalled();
	const { body } = render(ProjectSearch, { props: { q: long, search: () => {} } });
	expect(body).toContain(said);
	expect(body).not.toContain('maxlength');
});

test('while it is too long, nothing of before is shown and nothing is asked', async () => {
	vi.useFakeTimers();
	const searching = new Searching();
	searching.type('a');
	await vi.runAllTimersAsync();
	expect(searching.q).toBe('a');
	searching.type(long);
	await vi.runAllTimersAsync();
	expect([searching.q, searching.busy]).toEqual(['', false]);
	expect(api.GET).toHaveBeenCalledTimes(1);
	vi.useRealTimers();
});
