import type { Wanted } from './wanted';

let open = $state<Wanted | null>(null);
/** Counts up when what is open already is asked for again. */
let again = $state(0);

/** What lies over the page, whichever page it is. */
export const overlays = {
	get open(): Wanted | null {
		return open;
	},

	get again(): number {
		return again;
	},

	show(which: Wanted) {
		if (open === which) again++;
		open = which;
	},

	close() {
		open = null;
	}
};
