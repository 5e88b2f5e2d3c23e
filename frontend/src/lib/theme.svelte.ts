import type { User } from '$lib/api/types';

export type Theme = User['theme'];

const root = document.documentElement;
const meta = document.querySelector<HTMLMetaElement>('meta[name="color-scheme"]')!;

// app.html has set it before the first paint.
let current = $state<Theme>((root.dataset.theme as 'light' | 'dark' | undefined) ?? 'system');

/** The colours of the page. */
export const theme = {
	get current(): Theme {
		return current;
	},

	/** Switches the page and remembers the choice in this browser. */
	set(choice: Theme) {
		current = choice;
		if (choice === 'system') delete root.dataset.theme;
		else root.dataset.theme = choice;
		meta.content = choice === 'system' ? 'light dark' : choice;
		localStorage.setItem('theme', choice);
	}
};
