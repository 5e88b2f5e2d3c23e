import { baseUrl } from '$lib/api/base';
import { language } from '$lib/i18n/language.svelte';
import { Session } from './session.svelte';

/** The session of this tab. */
export const session = new Session({
	baseUrl: new URL(baseUrl, location.href).href,
	fetch: (request) => fetch(request),
	// Browsers have Web Locks in secure contexts only; a development server on a LAN address is none.
	locks: navigator.locks ?? { request: (_name: string, work: () => Promise<unknown>) => work() },
	channel: new BroadcastChannel('session'),
	storage: localStorage,
	language: () => language.current,
	now: () => performance.now(),
	leave: () => location.replace('/')
});
