/** Says that the page's server answers; it asks nobody else. */
export function GET() {
	return new Response('ok\n', {
		headers: { 'Content-Type': 'text/plain', 'Cache-Control': 'no-store' }
	});
}
