import type { Ignored } from '$lib/api/types';
import { m } from '$lib/paraglide/messages';

const sentences = {
	note: () => m.import_ignored_note(),
	line: ({ text }: Ignored) => m.import_ignored_line({ text }),
	link: ({ text }: Ignored) => m.import_ignored_link({ text }),
	edge: ({ text }: Ignored) => m.import_ignored_edge({ text }),
	remark: ({ text }: Ignored) => m.import_ignored_remark({ text }),
	project: ({ text }: Ignored) => m.import_ignored_project({ text })
};

/** What an import left out, where it stands, and why. */
export function ignored(one: Ignored): string {
	if (one.kind === 'more') return m.import_more({ count: one.text });
	const what = sentences[one.kind](one);
	return one.line === null
		? m.import_ignored_in_file({ file: one.file, what })
		: m.import_ignored_at_line({ file: one.file, line: one.line, what });
}
