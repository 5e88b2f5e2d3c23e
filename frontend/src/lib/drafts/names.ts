import { m } from '$lib/paraglide/messages';

/** What stands above a text or a list where its page is not at hand. */
const NAMES: Record<string, () => string> = {
	'': m.round_question,
	title: m.node_title,
	category: m.project_category,
	context: m.node_context,
	theme: m.step_overview_theme,
	purpose: m.step_overview_purpose,
	pain: m.step_overview_pain,
	constraints: m.step_overview_constraints,
	success: m.step_overview_success,
	ui: m.step_extract_ui,
	operation: m.step_extract_operation,
	data: m.step_extract_data,
	judgement: m.step_extract_judgement,
	flow: m.step_extract_flow,
	other: m.step_extract_other,
	items: m.step_flow_items,
	must: m.step_mvp_must,
	optional: m.step_mvp_optional,
	later: m.step_mvp_later,
	ideas: m.step_expand_ideas,
	improvements: m.step_expand_improvements,
	automation: m.step_expand_automation
};

export const nameOf = (field: string): string => NAMES[field]!();
