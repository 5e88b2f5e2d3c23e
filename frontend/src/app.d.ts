declare global {
	namespace App {
		interface Error {
			/** The request id of the server's answer, for a person who reports the error. */
			requestId?: string;
		}

		interface PageState {
			/** The account was deleted; the log-in says so. */
			deleted?: boolean;
		}
	}
}

export {};
