import { paraglideVitePlugin } from '@inlang/paraglide-js';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vitest/config';
import { chunks } from './chunks';

const backend = process.env.BACKEND_URL || 'http://127.0.0.1:8000';

export default defineConfig({
	plugins: [
		// Its watcher would keep a finished test run from ending; `npm test` compiles the messages itself.
		!process.env.VITEST &&
			paraglideVitePlugin({
				project: './project.inlang',
				outdir: './src/lib/paraglide',
				// src/lib/i18n/language.svelte.ts says which language it is; paraglide itself keeps nothing.
				strategy: ['globalVariable', 'baseLocale']
			}),
		sveltekit(),
		chunks()
	],
	build: {
		rollupOptions: {
			// Else every few lines that two pages share become a file.
			output: { experimentalMinChunkSize: 20_000 }
		}
	},
	server: {
		port: 5173,
		strictPort: true,
		// An editor empties a file before it writes it, and SvelteKit ends over an empty app.html.
		watch: { awaitWriteFinish: { stabilityThreshold: 100, pollInterval: 20 } },
		proxy: Object.fromEntries(
			['/api', '/static', '/media', '/admin'].map((path) => [path, { target: backend }])
		)
	},
	test: {
		include: ['src/**/*.test.ts']
	}
});
