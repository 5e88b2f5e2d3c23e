import createClient from 'openapi-fetch';
import { fetchOrRemember } from '$lib/offline/account.svelte';
import { baseUrl } from './base';
import { ApiError } from './errors';
import type { paths } from './schema';

/** The typed client; every call goes out as the person signed in. */
export const api = createClient<paths>({ baseUrl, fetch: fetchOrRemember });

api.use({
	async onResponse({ response }) {
		if (!response.ok) throw await ApiError.from(response);
	}
});

/** The data of a call; everything else has become an `ApiError`. */
export async function call<T>(request: Promise<{ data?: T }>): Promise<T> {
	return (await request).data as T;
}
