/** What an access token says of itself. */
export interface Claims {
	userId: string;
	/**
	 * Milliseconds from the moment it was given out. The difference of two times of the
	 * server, so that a wrong clock in the browser does not matter.
	 */
	lifetime: number;
}

export function read(token: string): Claims {
	const payload = (token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/');
	const { user_id, iat, exp } = JSON.parse(atob(payload)) as {
		user_id: string;
		iat: number;
		exp: number;
	};
	return { userId: user_id, lifetime: (exp - iat) * 1000 };
}
