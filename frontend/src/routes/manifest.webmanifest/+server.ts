import { json } from '@sveltejs/kit';

export const prerender = true;

/**
 * The logo on paper, in static/: not every system takes an SVG. A maskable one may lose everything
 * but the inner four fifths.
 */
const icon = (name: string, size: number, purpose: string) => ({
	src: `/icons/${name}.png`,
	sizes: `${size}x${size}`,
	type: 'image/png',
	purpose
});

/** What makes the page an app that can be installed. */
export function GET() {
	const manifest = {
		id: '/',
		name: 'thinkRing',
		short_name: 'thinkRing',
		lang: 'ja',
		start_url: '/',
		scope: '/',
		display: 'standalone',
		background_color: '#fbfaf7',
		theme_color: '#fbfaf7',
		icons: [
			icon('192', 192, 'any'),
			icon('512', 512, 'any'),
			icon('maskable', 512, 'maskable'),
			{ src: '/favicon.svg', sizes: 'any', type: 'image/svg+xml', purpose: 'any' }
		]
	};
	return json(manifest, { headers: { 'Content-Type': 'application/manifest+json' } });
}
