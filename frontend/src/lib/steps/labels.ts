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

const PARTS: Record<string, () => Label> = {
	'overview.theme': () => ({
		name: m.step_overview_theme(),
		hint: m.step_overview_theme_hint()
	}),
	'overview.purpose': () => ({
		name: m.step_overview_purpose(),
		hint: m.step_overview_purpose_hint()
	}),
	'overview.pain': () => ({ name: m.step_overview_pain(), hint: m.step_overview_pain_hint() }),
	'overview.constraints': () => ({
		name: m.step_overview_constraints(),
		hint: m.step_overview_constraints_hint()
	}),
	'overview.success': () => ({
		name: m.step_overview_success(),
		hint: m.step_overview_success_hint()
	}),
	'extract.ui': () => ({ name: m.step_extract_ui(), hint: m.step_extract_ui_hint() }),
	'extract.operation': () => ({
		name: m.step_extract_operation(),
		hint: m.step_extract_operation_hint()
	}),
	'extract.data': () => ({ name: m.step_extract_data(), hint: m.step_extract_data_hint() }),
	'extract.judgement': () => ({
		name: m.step_extract_judgement(),
		hint: m.step_extract_judgement_hint()
	}),
	'extract.flow': () => ({ name: m.step_extract_flow(), hint: m.step_extract_flow_hint() }),
	'extract.other': () => ({ name: m.step_extract_other(), hint: m.step_extract_other_hint() }),
	'flow.items': () => ({ name: m.step_flow_items(), hint: m.step_flow_hint() }),
	'mvp.must': () => ({ name: m.step_mvp_must(), hint: m.step_mvp_must_hint() }),
	'mvp.optional': () => ({ name: m.step_mvp_optional(), hint: m.step_mvp_optional_hint() }),
	'mvp.later': () => ({ name: m.step_mvp_later(), hint: m.step_mvp_later_hint() }),
	'expand.ideas': () => ({ name: m.step_expand_ideas(), hint: m.step_expand_ideas_hint() }),
	'expand.improvements': () => ({
		name: m.step_expand_improvements(),
		hint: m.step_expand_improvements_hint()
	}),
	'expand.automation': () => ({
		name: m.step_expand_automation(),
		hint: m.step_expand_automation_hint()
	})
};

/** One of a step's texts or lists. */
export function partLabel(type: StepType, part: string): Label {
	return PARTS[`${type}.${part}`]!();
}
