const ENDINGS = { json: 'json', markdown: 'md', obsidian: 'zip' };

/** The ways in which an export is written. */
export type Form = keyof typeof ENDINGS;
export const FORMS = Object.keys(ENDINGS) as Form[];

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

/** What an export is called. A page on another host than the API may not read the server's name for it. */
export function fileName(title: string, form: Form, today = new Date()): string {
	const day = [
		today.getFullYear(),
		String(today.getMonth() + 1).padStart(2, '0'),
		String(today.getDate()).padStart(2, '0')
	].join('-');
	return `${safeName(title)} ${day}.${ENDINGS[form]}`;
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
