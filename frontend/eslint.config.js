import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import security from 'eslint-plugin-security';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

export default ts.config(
	{ ignores: ['.svelte-kit/', 'build/', 'src/lib/paraglide/', 'src/lib/api/schema.d.ts'] },
	js.configs.recommended,
	...ts.configs.recommended,
	security.configs.recommended,
	...svelte.configs.recommended,
	prettier,
	...svelte.configs.prettier,
	{
		languageOptions: { globals: { ...globals.browser, ...globals.node } },
		// TypeScript itself reports unknown names.
		rules: {
			'no-undef': 'off',
			// The app is always served from the root of its host.
			'svelte/no-navigation-without-resolve': 'off',
			// It finds every index of a list; what a key may be is in the types.
			'security/detect-object-injection': 'off'
		}
	},
	{
		// They read files of their own, and nothing that a person has sent.
		files: ['publish.js', 'start.js', 'svelte.config.js', '**/*.test.ts'],
		rules: {
			'security/detect-non-literal-fs-filename': 'off',
			'security/detect-unsafe-regex': 'off'
		}
	},
	{
		files: ['**/*.svelte', '**/*.svelte.ts'],
		languageOptions: {
			parserOptions: {
				projectService: true,
				extraFileExtensions: ['.svelte'],
				parser: ts.parser,
				svelteConfig
			}
		}
	}
);
