import { api, call } from '$lib/api/client';
import { baseUrl } from '$lib/api/base';
import { ApiError } from '$lib/api/errors';
import { session } from '$lib/session';

export interface Transfer {
	method: 'GET' | 'POST';
	path: string;
	body?: Blob;
	/** How much of the body has left, from 0 to 1. */
	onsent?: (part: number) => void;
	/** How many bytes of the answer have come. */
	onreceived?: (bytes: number) => void;
	signal: AbortSignal;
}

/**
 * A call for a whole file, as the person signed in. Unlike `api` it tells how far it is, and takes the time that
 * it needs; that is why it is no `fetch`, which says nothing of what it sends.
 */
export async function transfer(wanted: Transfer): Promise<Response> {
	let response = await send(wanted);
	if (response.status === 401) {
		// The token had expired; any call renews it.
		await call(api.GET('/auth/me/'));
		response = await send(wanted);
	}
	if (!response.ok) throw await ApiError.from(response);
	return response;
}

async function send({ method, path, body, onsent, onreceived, signal }: Transfer) {
	const headers = await session.headers();
	signal.throwIfAborted();
	return new Promise<Response>((resolve, reject) => {
		const request = new XMLHttpRequest();
		request.open(method, baseUrl + path);
		request.responseType = 'blob';
		headers.forEach((value, name) => request.setRequestHeader(name, value));
		if (body) request.setRequestHeader('Content-Type', body.type || 'application/octet-stream');
		request.upload.onprogress = ({ loaded, total }) => onsent?.(loaded / total);
		request.onprogress = ({ loaded }) => onreceived?.(loaded);
		request.onload = () => resolve(answer(request));
		request.onerror = () => reject(ApiError.offline());
		request.onabort = () => reject(signal.reason);
		signal.addEventListener('abort', () => request.abort());
		request.send(body ?? null);
	});
}

function answer(request: XMLHttpRequest): Response {
	const headers = new Headers();
	for (const name of ['Content-Disposition', 'X-Request-ID', 'Retry-After']) {
		const value = request.getResponseHeader(name);
		if (value) headers.set(name, value);
	}
	return new Response(request.response as Blob, { status: request.status, headers });
}
