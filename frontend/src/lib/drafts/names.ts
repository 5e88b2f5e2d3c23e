import { m } from '$lib/paraglide/messages';
import { isPart, partLabel } from '$lib/steps/labels';

/** What is written elsewhere than in a step. */
const OTHERS: Record<string, () => string> = {
	'': m.round_question,
	title: m.node_title,
	category: m.project_category,
	context: m.node_context
};

/** What stands above a field that the server speaks of; null of what is no text or list. */
export function nameOfField(field: string): string | null {
	const name = field === 'note' ? '' : field.replace('content.', '').split('.')[0]!;
	return name in OTHERS || isPart(name) ? nameOf(name) : null;
}

/** What stands above a text or a list where its page is not at hand. */
export const nameOf = (field: string): string => OTHERS[field]?.() ?? partLabel(field).name;
