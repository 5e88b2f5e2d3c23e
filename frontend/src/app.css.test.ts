import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const styles = readdirSync('src', { recursive: true, encoding: 'utf8' })
	.filter((name) => /\.(css|svelte)$/.test(name))
	.map((name) => readFileSync(`src/${name}`, 'utf8'))
	.join('\n');
const names = (pattern: RegExp) => new Set([...styles.matchAll(pattern)].map(([, name]) => name));

test('every custom property that a style needs is given somewhere', () => {
	const given = names(/(--[\w-]+)(?=[:=])/g);
	// One with a fallback may be missing.
	const needed = [...names(/var\((--[\w-]+)\)/g)];
	expect(needed.length).toBeGreaterThan(20);
	expect(needed.filter((name) => !given.has(name))).toEqual([]);
});
