/** An input method takes these keys for itself; the code 229 is what Safari sends after it. */
export function isComposing(event: KeyboardEvent): boolean {
	return event.isComposing || event.keyCode === 229;
}
