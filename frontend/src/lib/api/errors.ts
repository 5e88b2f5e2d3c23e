/** One field of a request that the server did not accept. */
export interface FieldProblem {
	field: string;
	reason: string;
}

interface ErrorBody {
	code: string;
	message: string;
	details?: FieldProblem[];
	request_id?: string;
	current?: unknown;
}

/** Whether the same request may be answered otherwise later; 0 is no answer at all. */
export function isTemporary(status: number): boolean {
	return status === 0 || status === 401 || status === 429 || status >= 500;
}

/** Whether an answer is a proxy's that has no server behind it. */
export function isUnreachable(status: number): boolean {
	return status >= 502;
}

/**
 * A call that failed: the server's error shape, or one of the page's own. `OFFLINE` when no answer came, `QUEUED`
 * when the request waits for one (lib/offline), `VAL_003` for a text that is too long to be sent (lib/drafts).
 */
export class ApiError extends Error {
	override name = 'ApiError';

	constructor(
		readonly status: number,
		readonly code: string,
		message: string,
		readonly details: FieldProblem[] = [],
		readonly requestId: string | null = null,
		/** Seconds to wait, when the server said so. */
		readonly retryAfter: number | null = null,
		/** The object as it is on the server, after a conflict. */
		readonly current: unknown = null
	) {
		super(message);
	}

	get temporary(): boolean {
		return isTemporary(this.status);
	}

	/** Whether nobody answered who could: no network, or a proxy without a server behind it. */
	get unreachable(): boolean {
		return this.code === 'OFFLINE' || isUnreachable(this.status);
	}

	/** What the server said about one field, in the language of the request. */
	reasonFor(field: string): string | null {
		return this.details.find((detail) => detail.field === field)?.reason ?? null;
	}

	static offline(): ApiError {
		return new ApiError(0, 'OFFLINE', 'No answer from the server.');
	}

	static async from(response: Response): Promise<ApiError> {
		const { status, headers } = response;
		const requestId = headers.get('X-Request-ID');
		const retryAfter = seconds(headers.get('Retry-After'));
		const body = await errorBody(response);
		if (!body) {
			const code = isUnreachable(status) ? 'SRV_003' : 'SRV_001';
			return new ApiError(status, code, response.statusText, [], requestId, retryAfter);
		}
		return new ApiError(
			status,
			body.code,
			body.message,
			body.details ?? [],
			body.request_id ?? requestId,
			retryAfter,
			body.current ?? null
		);
	}
}

/** A proxy on the way may answer with something that is not our shape. */
async function errorBody(response: Response): Promise<ErrorBody | null> {
	try {
		const body = (await response.json()) as { error?: ErrorBody };
		return typeof body.error?.code === 'string' ? body.error : null;
	} catch {
		return null;
	}
}

function seconds(retryAfter: string | null): number | null {
	const value = Number(retryAfter);
	return retryAfter && Number.isFinite(value) && value >= 0 ? value : null;
}
