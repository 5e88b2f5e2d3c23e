import type { StepType } from '$lib/api/types';
import { m } from '$lib/paraglide/messages';

const names = {
	overview: m.step_overview,
	extract: m.step_extract,
	flow: m.step_flow,
	mvp: m.step_mvp,
	expand: m.step_expand
};

/** What a step is called, in the person's language. */
export function stepName(type: StepType): string {
	return names[type]();
}
