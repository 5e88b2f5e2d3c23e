import type { StepType } from '$lib/api/types';
import { stepName } from '$lib/i18n/steps';
import { m } from '$lib/paraglide/messages';

/** A name, and a line that says what belongs there. */
export interface Label {
	name: string;
	hint: string;
}

const HINTS = {
	overview: m.step_overview_hint,
	extract: m.step_extract_hint,
	flow: m.step_flow_hint,
	mvp: m.step_mvp_hint,
	expand: m.step_expand_hint
};

export function stepLabel(type: StepType): Label {
	return { name: stepName(type), hint: HINTS[type]() };
}

/** No two steps have a part of the same name. */
const PARTS: Record<string, () => Label> = {
	theme: () => ({
		name: m.step_overview_theme(),
		hint: m.step_overview_theme_hint()
	}),
	purpose: () => ({
		name: m.step_overview_purpose(),
		hint: m.step_overview_purpose_hint()
	}),
	pain: () => ({ name: m.step_overview_pain(), hint: m.step_overview_pain_hint() }),
	constraints: () => ({
		name: m.step_overview_constraints(),
		hint: m.step_overview_constraints_hint()
	}),
	success: () => ({
		name: m.step_overview_success(),
		hint: m.step_overview_success_hint()
	}),
	ui: () => ({ name: m.step_extract_ui(), hint: m.step_extract_ui_hint() }),
	operation: () => ({
		name: m.step_extract_operation(),
		hint: m.step_extract_operation_hint()
	}),
	data: () => ({ name: m.step_extract_data(), hint: m.step_extract_data_hint() }),
	judgement: () => ({
		name: m.step_extract_judgement(),
		hint: m.step_extract_judgement_hint()
	}),
	flow: () => ({ name: m.step_extract_flow(), hint: m.step_extract_flow_hint() }),
	other: () => ({ name: m.step_extract_other(), hint: m.step_extract_other_hint() }),
	items: () => ({ name: m.step_flow_items(), hint: m.step_flow_hint() }),
	must: () => ({ name: m.step_mvp_must(), hint: m.step_mvp_must_hint() }),
	optional: () => ({ name: m.step_mvp_optional(), hint: m.step_mvp_optional_hint() }),
	later: () => ({ name: m.step_mvp_later(), hint: m.step_mvp_later_hint() }),
	ideas: () => ({ name: m.step_expand_ideas(), hint: m.step_expand_ideas_hint() }),
	improvements: () => ({
		name: m.step_expand_improvements(),
		hint: m.step_expand_improvements_hint()
	}),
	automation: () => ({
		name: m.step_expand_automation(),
		hint: m.step_expand_automation_hint()
	})
};

/** One of a step's texts or lists, by its name. */
export const isPart = (name: string): boolean => name in PARTS;

export function partLabel(part: string): Label {
	return PARTS[part]!();
}
