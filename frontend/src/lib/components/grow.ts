import type { Attachment } from 'svelte/attachments';

/** Lets a textarea be as high as its text, in browsers that do not do so by `field-sizing`. */
export function grow(text: string): Attachment<HTMLTextAreaElement> {
	// Only named so that a new text is measured anew.
	void text;
	return (area) => {
		if (CSS.supports('field-sizing', 'content')) return;
		const observer = new ResizeObserver(() => {
			area.style.height = 'auto';
			area.style.height = `${area.scrollHeight}px`;
		});
		observer.observe(area);
		return () => observer.disconnect();
	};
}
