import { logo } from '$lib/ring/logo';

export const prerender = true;

/** The logo for the browser's tab: the same drawing, with lines that hold at 16 pixels. */
export function GET() {
	const circles = logo.circles.map(({ x, y, r }) => `<circle cx="${x}" cy="${y}" r="${r}"/>`);
	const dots = logo.dots.map(
		({ x, y, r }) => `<circle class="dot" cx="${x}" cy="${y}" r="${r + 4}"/>`
	);
	const svg = [
		'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">',
		'<style>circle{fill:none;stroke:#1b1d23;stroke-width:5}.dot{fill:#2563eb;stroke:none}',
		'@media (prefers-color-scheme:dark){circle{stroke:#eceae4}.dot{fill:#7aa7ff}}</style>',
		...circles,
		...dots,
		'</svg>\n'
	].join('');
	return new Response(svg, { headers: { 'Content-Type': 'image/svg+xml' } });
}
