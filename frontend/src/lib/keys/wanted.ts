import { isComposing } from '$lib/components/composing';

export type Wanted = 'search' | 'keys';

/** Keys without Ctrl or Cmd, which a person may turn off: speech input can press them by accident. */
const SINGLE: Record<string, Wanted> = { '/': 'search', '?': 'keys' };

const WRITTEN_IN = 'input, textarea, select, [contenteditable]:not([contenteditable="false"])';

/** What a key asks for, wherever it is pressed. */
export function wanted(event: KeyboardEvent, single: boolean): Wanted | null {
	if (event.defaultPrevented || isComposing(event) || event.altKey) return null;
	const key = event.key.toLowerCase();
	if (event.ctrlKey || event.metaKey) return key === 'k' && !event.shiftKey ? 'search' : null;
	if (!single || isWrittenIn(event.target)) return null;
	return SINGLE[key] ?? null;
}

function isWrittenIn(target: EventTarget | null): boolean {
	return target instanceof Element && target.closest(WRITTEN_IN) !== null;
}
