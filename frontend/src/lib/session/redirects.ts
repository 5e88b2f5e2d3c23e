const OPEN = ['/login', '/signup'];

/** Pages for people who are not signed in. */
export function isOpen(pathname: string): boolean {
	return OPEN.includes(pathname);
}

/** Pages for everyone: a forgotten password is set anew by whoever reads the mail. */
export function isForEveryone(pathname: string): boolean {
	return pathname === '/reset' || pathname.startsWith('/reset/');
}

/** Where to log in, and come back to the page asked for. */
export function loginAddress(asked: URL): string {
	const here = asked.pathname + asked.search;
	return here === '/' ? '/login' : `/login?next=${encodeURIComponent(here)}`;
}

/** Where to go after logging in: the page asked for, never another host. */
export function destination(login: URL): string {
	const next = new URL(login.searchParams.get('next') ?? '/', login.origin);
	if (next.origin !== login.origin || isOpen(next.pathname)) return '/';
	return next.pathname + next.search;
}
