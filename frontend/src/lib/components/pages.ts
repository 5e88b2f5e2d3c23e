/** Which page of a list an address asks for; what is no number asks for the first. */
export function pageOf(asked: string | null): number {
	return Math.max(1, Number.parseInt(asked ?? '1', 10) || 1);
}
