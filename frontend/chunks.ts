import type { Plugin } from 'vite';

/** What a visit of `/` shows, signed in or not. */
const FIRST = ['+layout', '+error', '+page', '(entrance)/+layout', '(entrance)/login/+page'].map(
	(name) => `/src/routes/${name}.svelte`
);
const MESSAGES = '/src/lib/paraglide/messages';

/**
 * Makes one file of what the first visit needs: a phone waits longest for files that it learns of from others.
 * Every page can reach every sentence, so those that the first visit says are looked for in its code; the
 * others are a file that all other pages share.
 */
export function chunks(): Plugin {
	let first = new Set<string>();
	let said = new Set<string>();

	function manualChunks(id: string) {
		if (first.has(id)) return 'first';
		const [, sentence] = id.match(`${MESSAGES}/(\\w+)\\.js$`) ?? [];
		if (first.size && sentence) return said.has(sentence) ? 'first' : 'sentences';
	}

	return {
		name: 'chunks',
		config: () => ({ build: { rollupOptions: { output: { manualChunks } } } }),
		buildEnd() {
			const importsOf = (id: string) => this.getModuleInfo(id)?.importedIds ?? [];
			// SvelteKit's own entries, which only the browser's half of a build has.
			const entries = [...this.getModuleIds()].filter((id) => id.includes('/client-optimized/'));
			first = new Set(
				entries.filter(
					(id) =>
						id.endsWith('/app.js') ||
						importsOf(id).some((page) => FIRST.some((end) => page.endsWith(end)))
				)
			);
			const needed = new Set(first);
			// It is walked to its end, which moves on meanwhile.
			for (const id of needed) {
				for (const imported of importsOf(id)) {
					if (!imported.includes(MESSAGES)) needed.add(imported);
				}
			}
			const code = [...needed].map((id) => this.getModuleInfo(id)?.code).join('\n');
			said = new Set([...code.matchAll(/\bm\.(\w+)/g)].map(([, name]) => name!));
		}
	};
}
