import { SvelteMap } from 'svelte/reactivity';

/** Whether the last request had no answer. */
let offline = $state(!navigator.onLine);
/** What the page shows from this browser's memory: when each address was read. */
let readings = $state(0);
const remembered = new SvelteMap<string, number>();
/** How many pages there were; what one of them asked for may be answered on the next. */
let pages = 0;

/** What is known about the way to the server. */
export const connection = {
	get offline(): boolean {
		return offline;
	},

	/** When the oldest of what the page shows was read, in milliseconds; null when all is fresh. */
	get asOf(): number | null {
		return remembered.size ? Math.min(...remembered.values()) : null;
	},

	/** Counts how often a person asked for what is newest. */
	get readings(): number {
		return readings;
	},

	readAnew() {
		remembered.clear();
		readings++;
	},

	answered(url?: string) {
		offline = false;
		if (url) remembered.delete(url);
	},

	lost() {
		offline = true;
	},

	/** The page that asks now. */
	get page(): number {
		return pages;
	},

	/** Notes that a page was shown what was read earlier. */
	remember(url: string, at: number, page: number) {
		if (page === pages) remembered.set(url, at);
	},

	/** Another page, that asks for everything anew. */
	turn() {
		remembered.clear();
		pages++;
	}
};
