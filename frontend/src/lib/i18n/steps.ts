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

/** Where in a project something is, as far as it is anywhere: “Round 2 · Flow”. */
export function placeName(round?: number | null, step?: StepType | null): string {
	const names = [round && m.round_title({ number: round }), step && stepName(step)];
	return names.filter(Boolean).join(' · ');
}
