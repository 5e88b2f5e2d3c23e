import { language } from './language.svelte';

/** A moment of the server's, as a person here writes it. */
export function moment(iso: string): string {
	return new Intl.DateTimeFormat(language.current, {
		dateStyle: 'medium',
		timeStyle: 'short'
	}).format(new Date(iso));
}

/** The day of a moment of the server's. */
export function day(iso: string): string {
	return new Intl.DateTimeFormat(language.current, { dateStyle: 'medium' }).format(new Date(iso));
}
