import { m } from '$lib/paraglide/messages';
import type { Tally } from './changes';

/** What is counted, in the order in which it is told. */
export const TALLY = ['kept', 'changed', 'added', 'dropped'] as const;

export const TALLY_NAMES: Record<keyof Tally, () => string> = {
	kept: m.changes_kept,
	changed: m.changes_changed,
	added: m.changes_added,
	dropped: m.changes_dropped
};
