import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import adapter from '@sveltejs/adapter-node';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

const [page, styles] = ['./src/app.html', './src/app.css'].map((file) =>
	readFileSync(new URL(file, import.meta.url), 'utf8')
);

/**
 * SvelteKit hashes the scripts that it writes itself, but not what stands in app.html: the script that sets
 * theme and language before the first paint, and the styles that src/hooks.server.ts puts there.
 * @param {RegExp} elements
 */
function inlineHashes(elements) {
	return [...page.matchAll(elements)].map(([, content]) => {
		const digest = createHash('sha256').update(content.replace('%app.css%', () => styles));
		return /** @type {const} */ (`sha256-${digest.digest('base64')}`);
	});
}

/** SvelteKit's generated root has one style attribute, which `style-src 'self'` forbids. */
const announcerWithoutStyle = {
	name: 'announcer-without-style',
	/** @param {{ content: string }} source */
	markup({ content }) {
		if (!content.includes('id="svelte-announcer"')) return;
		return {
			code: content.replace(
				/(id="svelte-announcer"[^>]*?)\sstyle="[^"]*"/,
				'$1 class="visually-hidden"'
			)
		};
	}
};

/** @type {import('@sveltejs/kit').Config} */
const config = {
	preprocess: [vitePreprocess(), announcerWithoutStyle],
	kit: {
		adapter: adapter({ out: 'build', precompress: true }),
		env: { publicPrefix: 'VITE_' },
		// Absolute addresses, so that the page of a deep link finds its files.
		paths: { relative: false },
		// Its name is the time of the build: a release that leaves the page alone does not make open pages load again.
		version: { pollInterval: 5 * 60 * 1000 },
		csp: {
			// Not nonces: they would change the page's ETag with every answer.
			mode: 'hash',
			directives: {
				'default-src': ['none'],
				'script-src': ['self', ...inlineHashes(/<script>([\s\S]*?)<\/script>/g)],
				'style-src': ['self', ...inlineHashes(/<style>([\s\S]*?)<\/style>/g)],
				'img-src': ['self', 'data:'],
				'connect-src': ['self'],
				'font-src': ['self'],
				'form-action': ['self'],
				'base-uri': ['none'],
				'frame-ancestors': ['none'],
				'manifest-src': ['self'],
				'worker-src': ['self']
			}
		}
	}
};

export default config;
