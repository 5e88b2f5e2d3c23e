import '$lib/i18n/language.svelte';
import type { HandleClientError } from '@sveltejs/kit';
import { ApiError } from '$lib/api/errors';
import { explain } from '$lib/i18n/problems';

/** What `+error.svelte` shows of something that went wrong while a page was loading. */
export const handleError: HandleClientError = ({ error, status }) => {
	if (!(error instanceof ApiError) && status !== 404) console.error(error);
	return {
		message: explain(error),
		requestId: error instanceof ApiError ? (error.requestId ?? undefined) : undefined
	};
};
