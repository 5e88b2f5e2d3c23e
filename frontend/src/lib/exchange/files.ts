/** The ways in which an export is written. */
export const FORMS = ['json', 'markdown', 'obsidian'] as const;
export type Form = (typeof FORMS)[number];

/** As the server takes it. */
export const MAXIMUM = 50 * 1024 * 1024;

/** A title as the name of a file, without what a file system refuses. */
export function safeName(title: string): string {
	const safe = [...title]
		.map((sign) => (sign < ' ' || '\\/:*?"<>|'.includes(sign) ? ' ' : sign))
		.slice(0, 80)
		.join('')
		.replace(/\s+/g, ' ')
		.replace(/^[. ]+|[. ]+$/g, '');
	return safe || 'thinkRing';
}

/** What the server has called a file, in its `Content-Disposition` (RFC 6266). */
export function sentName(disposition: string | null): string {
	const encoded = disposition?.match(/filename\*=utf-8''([^;]+)/i)?.[1];
	const plain = disposition?.match(/filename="([^"]+)"/i)?.[1];
	return (encoded && decodeURIComponent(encoded)) ?? plain ?? 'thinkRing';
}

/** A size as a person reads it. */
export function size(bytes: number, locale: string): string {
	const [value, unit] = bytes < 1e6 ? [bytes / 1e3, 'kilobyte'] : [bytes / 1e6, 'megabyte'];
	return new Intl.NumberFormat(locale, {
		style: 'unit',
		unit,
		maximumFractionDigits: value < 10 ? 1 : 0
	}).format(value);
}

/** Hands a file over to the browser, which puts it where downloads go. */
export function save(file: Blob, name: string) {
	const link = document.createElement('a');
	link.href = URL.createObjectURL(file);
	link.download = name;
	link.click();
	// Not at once: the browser reads it after the click.
	setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
