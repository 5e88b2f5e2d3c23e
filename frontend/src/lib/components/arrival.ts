/** After a navigation the focus stands on what a person begins to read: the heading, as soon as there is one. */
export function arrive() {
	const heading = document.querySelector<HTMLElement>('main h1');
	if (heading) heading.tabIndex = -1;
	const place = heading ?? document.querySelector('main');
	place?.focus({ preventScroll: true });
}

/** Whether the focus waits for the heading. */
export function isAwaited(): boolean {
	return document.activeElement === document.querySelector('main');
}
