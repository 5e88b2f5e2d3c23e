/** Whether two JSON values are the same, whatever the order of their keys: a database may store them in its own. */
export function same(a: unknown, b: unknown): boolean {
	if (a === b) return true;
	if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
	if (Array.isArray(a) !== Array.isArray(b)) return false;
	const left = a as Record<string, unknown>;
	const right = b as Record<string, unknown>;
	const keys = Object.keys(left);
	return (
		keys.length === Object.keys(right).length &&
		keys.every((key) => key in right && same(left[key], right[key]))
	);
}

/** Whether everything that `mine` has changed since `base` is in `theirs`. A list is one thing: its order counts. */
export function hasAll(theirs: unknown, mine: unknown, base: unknown): boolean {
	if (same(mine, theirs) || (base !== undefined && same(mine, base))) return true;
	if (![theirs, mine, base].every(isRecord)) return false;
	const [there, here, before] = [theirs, mine, base] as Record<string, unknown>[];
	return Object.keys({ ...before, ...here }).every((key) =>
		hasAll(there![key], here![key], before![key])
	);
}

const isRecord = (value: unknown) =>
	typeof value === 'object' && value !== null && !Array.isArray(value);
