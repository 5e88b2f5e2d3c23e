import type { Handle } from '@sveltejs/kit';
import { baseUrl } from '$lib/api/base';
import { allowOrigin, foreignOrigin } from '$lib/api/policy';
import styles from './app.css?raw';

// Read at the start, which a wrong address thereby stops.
const apiOrigin = foreignOrigin(baseUrl);

/** Gives every page its headers and one line in the log. */
export const handle: Handle = async ({ event, resolve }) => {
	const start = performance.now();
	// In the page itself, which is painted before any other file has come.
	const response = await resolve(event, {
		transformPageChunk: ({ html }) => html.replace('%app.css%', () => styles)
	});

	const policy = response.headers.get('Content-Security-Policy');
	if (policy) {
		response.headers.set('Content-Security-Policy', allowOrigin(policy, apiOrigin));
		// The page names hashed files: an old copy would ask for files of an old build.
		response.headers.set('Cache-Control', 'no-cache');
	}

	if (process.env.STAGING === 'True') {
		response.headers.set('X-Robots-Tag', 'noindex, nofollow');
	}

	if (event.url.pathname !== '/healthz') {
		console.log(
			JSON.stringify({
				time: new Date().toISOString(),
				level: 'INFO',
				logger: 'thinkring.page',
				message: 'request',
				request_id: event.request.headers.get('X-Request-ID'),
				method: event.request.method,
				// The address of a reset is a key to the account.
				path: event.url.pathname.replace(/^(\/reset\/).+/, '$1…'),
				status: response.status,
				duration_ms: Math.round(performance.now() - start)
			})
		);
	}
	return response;
};
