import { getLocale } from '$lib/paraglide/runtime';

/** Sentences one after the other; Japanese has no space between them. */
export function join(...sentences: string[]): string {
	return sentences.join(getLocale() === 'ja' ? '' : ' ');
}

/** Words as a list within a sentence. */
export function listed(words: string[]): string {
	return new Intl.ListFormat(getLocale()).format(words);
}
