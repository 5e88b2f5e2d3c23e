import type { Attachment } from 'svelte/attachments';
import { isLonger } from '$lib/steps/content';

/** As many characters as the server searches for. */
export const QUERY_LENGTH = 200;

/** Whether the server would refuse to search for it. A field keeps it all the same: see TooLong.svelte. */
export const isTooLong = (q: string): boolean => isLonger(q.trim(), QUERY_LENGTH);

/** Puts work off until nothing has asked for it again for so many milliseconds. */
export function debounce<Given extends unknown[]>(work: (...given: Given) => void, pause: number) {
	let timer: ReturnType<typeof setTimeout> | undefined;
	const cancel = () => clearTimeout(timer);
	const later = (...given: Given) => {
		cancel();
		timer = setTimeout(() => work(...given), pause);
	};
	return { later, cancel };
}

/** Calls it whenever a text has changed; what an input method still composes is no word yet. */
export function typed(call: () => void): Attachment<HTMLInputElement> {
	const oninput = (event: Event) => {
		if (!(event as InputEvent).isComposing) call();
	};
	return (input) => {
		input.addEventListener('input', oninput);
		input.addEventListener('compositionend', call);
		return () => {
			input.removeEventListener('input', oninput);
			input.removeEventListener('compositionend', call);
		};
	};
}
