import { paraglideVitePlugin } from '@inlang/paraglide-js';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vitest/config';

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
		sveltekit()
	],
	build: {
		rollupOptions: {
			// Else every sentence that two pages share becomes a file: 62 of them for the first page, not 30.
			output: { experimentalMinChunkSize: 20_000 }
		}
	},
	server: {
		port: 5173,
		strictPort: true,
		proxy: Object.fromEntries(
			['/api', '/static', '/media', '/admin'].map((path) => [path, { target: backend }])
		)
	},
	test: {
		include: ['src/**/*.test.ts']
	}
});
