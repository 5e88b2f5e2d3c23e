/** Says that the page's server answers, and of which commit it is; it asks nobody else. */
export function GET() {
	return Response.json(
		{ commit: process.env.COMMIT ?? 'unknown' },
		{ headers: { 'Cache-Control': 'no-store' } }
	);
}
