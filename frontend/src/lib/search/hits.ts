import type { Hit } from '$lib/api/types';
import { placeName } from '$lib/i18n/steps';
import { m } from '$lib/paraglide/messages';

const kinds = {
	project: m.kind_project,
	round: m.search_kind_round,
	step: m.kind_step,
	node: m.kind_node
};

/** What kind of thing was found, in the person's language. */
export function kindName(hit: Hit): string {
	return kinds[hit.kind]();
}

/** Where it is read and changed. */
export function address(hit: Hit): string {
	switch (hit.kind) {
		case 'project':
			return `/projects/${hit.id}`;
		case 'round':
			return `/rounds/${hit.id}`;
		case 'step':
			return `/rounds/${hit.round!.id}?step=${hit.step}`;
		case 'node':
			return `/nodes/${hit.id}`;
	}
}

/** Where it belongs: project, round, step, as far as the title does not say so. */
export function place(hit: Hit): string {
	const project = hit.kind === 'node' ? (hit.project?.title ?? m.nodes_global()) : null;
	return [project, placeName(hit.round?.number, hit.step)].filter(Boolean).join(' · ');
}

/** Whether the snippet says more than the title, which stands above it. */
export function saysMore(hit: Hit): boolean {
	return hit.snippet.map(({ text }) => text).join('') !== hit.title;
}
