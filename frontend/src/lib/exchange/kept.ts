import type { components } from '$lib/api/schema';

type Kept = components['schemas']['Kept'];

/** The page on which it is seen: a link is seen at one of its nodes. */
export function placeOf({ kind, place, step }: Kept): string {
	switch (kind) {
		case 'project':
			return `/projects/${place}`;
		case 'round':
			return `/rounds/${place}`;
		case 'step':
			return `/rounds/${place}?step=${step}`;
		case 'node':
		case 'link':
			return `/nodes/${place}`;
	}
}
