/** The host of the API where it is not the page's own; an address that is none is an error. */
export function foreignOrigin(baseUrl: string): string | null {
	return baseUrl.startsWith('/') ? null : new URL(baseUrl).origin;
}

/** Lets a page call that host and show its images. */
export function allowOrigin(policy: string, origin: string | null): string {
	if (!origin) return policy;
	return policy.replace(/(?<=^|; ?)(connect-src|img-src) ([^;]*)/g, `$1 $2 ${origin}`);
}
