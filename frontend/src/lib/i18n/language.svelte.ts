import { overwriteGetLocale, type Locale } from '$lib/paraglide/runtime';

// app.html has chosen it from the stored choice or the browser's languages.
let current = $state<Locale>(
	typeof document !== 'undefined' && document.documentElement.lang === 'en' ? 'en' : 'ja'
);

// Messages read the rune, so that every sentence on the page follows a switch at once.
overwriteGetLocale(() => current);

/** The language of the page. */
export const language = {
	get current(): Locale {
		return current;
	},

	/** Switches the page and remembers the choice in this browser. */
	set(locale: Locale) {
		current = locale;
		document.documentElement.lang = locale;
		localStorage.setItem('language', locale);
	}
};
