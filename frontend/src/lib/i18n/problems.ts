import { ApiError } from '$lib/api/errors';
import { m } from '$lib/paraglide/messages';
import { getLocale } from '$lib/paraglide/runtime';

/** What happened, that nothing was lost, and what to do now, as a person reads it. */
export function explain(error: unknown): string {
	if (!(error instanceof ApiError)) return m.problem_server();
	const { code, retryAfter } = error;
	switch (code) {
		case 'QUEUED':
			return m.problem_queued();
		case 'OFFLINE':
			return m.problem_offline();
		case 'AUTH_001':
		case 'AUTH_002':
		case 'AUTH_003':
			return m.problem_signed_out();
		case 'AUTH_004':
			// Name and password are right, the code of the second step is not.
			return error.reasonFor('code') ? m.problem_values() : m.problem_credentials();
		case 'AUTH_005':
			return m.problem_not_permitted();
		case 'REQ_003':
			return m.problem_too_large();
		case 'BIZ_001':
			// A rule of the product: only the server knows which, and it says so in the page's language.
			return error.message;
		case 'BIZ_002':
			return m.problem_conflict();
		case 'SRV_002':
			return m.problem_database();
		case 'SRV_003':
			return m.problem_maintenance({ wait: wait(retryAfter) });
		case 'SRV_004':
			return m.problem_too_many({ wait: wait(retryAfter) });
	}
	if (code.startsWith('VAL_')) return m.problem_values();
	if (code.startsWith('RES_')) return m.problem_not_found();
	return m.problem_server();
}

/** That a text is longer than it may be. */
export function explainLimit(limit: number): string {
	return m.problem_text_length({ limit: limit.toLocaleString(getLocale()) });
}

function wait(seconds: number | null): string {
	if (seconds === null) return m.wait_a_little();
	if (seconds < 60) return m.wait_seconds({ seconds: Math.max(1, Math.ceil(seconds)) });
	return m.wait_minutes({ minutes: Math.ceil(seconds / 60) });
}
