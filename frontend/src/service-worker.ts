/// <reference types="@sveltejs/kit" />
/// <reference no-default-lib="true"/>
/// <reference lib="esnext" />
/// <reference lib="webworker" />
import { build, prerendered, version } from '$service-worker';
import { isUnreachable } from '$lib/api/errors';

const worker = self as unknown as ServiceWorkerGlobalScope;

const PREFIX = 'page-';
const CACHE = PREFIX + version;
/** Every address of the page answers the same document. */
const SHELL = '/';
const ASSETS = new Set([...build, ...prerendered]);
/** These are Django's. */
const NOT_OURS = /^\/(api|admin|static|media)\//;
/** A network that does not answer for so long is none. */
const PATIENCE = 8_000;

/** The document that belongs to the files of this version; a deploy under way answers with another. */
async function shell(): Promise<Response> {
	const response = await fetch(SHELL, { cache: 'no-cache' });
	const page = await response.clone().text();
	const start = build.filter((file) => /\/entry\/(start|app)\./.test(file));
	if (!response.ok || !start.every((file) => page.includes(file))) {
		throw new Error('The page is of another version.');
	}
	return response;
}

/**
 * All of a version or nothing, and the document last: the worker that runs may be of a version with the
 * same name, and what it has stays whole. An installation that fails is tried again later by the browser.
 */
async function install() {
	const isNew = !(await caches.has(CACHE));
	try {
		const page = await shell();
		const cache = await caches.open(CACHE);
		await cache.addAll([...ASSETS]);
		await cache.put(SHELL, page);
	} catch (error) {
		if (isNew) await caches.delete(CACHE);
		throw error;
	}
	await worker.skipWaiting();
}

/** The version before stays: a tab that was opened with it may need a file it has not asked for yet. */
async function activate() {
	const others = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
	await Promise.all(others.slice(0, -1).map((name) => caches.delete(name)));
	await worker.clients.claim();
}

/** Files have their content in their names, so it does not matter which version brought them. */
async function asset(request: Request): Promise<Response> {
	return (await caches.match(request)) ?? fetch(request);
}

/** From the network, so that a deploy is seen at once. */
async function navigate(request: Request): Promise<Response> {
	const kept = () => caches.match(SHELL, { cacheName: CACHE });
	try {
		const response = await fetch(request, { signal: AbortSignal.timeout(PATIENCE) });
		return isUnreachable(response.status) ? ((await kept()) ?? response) : response;
	} catch (error) {
		const response = await kept();
		if (!response) throw error;
		return response;
	}
}

// While developing there are no files to keep.
if (build.length) {
	worker.addEventListener('install', (event) => event.waitUntil(install()));
	worker.addEventListener('activate', (event) => event.waitUntil(activate()));
	worker.addEventListener('fetch', (event) => {
		const { request } = event;
		const { origin, pathname } = new URL(request.url);
		if (request.method !== 'GET' || origin !== location.origin || NOT_OURS.test(pathname)) return;
		if (request.mode === 'navigate') event.respondWith(navigate(request));
		else if (ASSETS.has(pathname) || pathname.startsWith('/_app/immutable/')) {
			event.respondWith(asset(request));
		}
	});
}
