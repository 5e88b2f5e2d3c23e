import { api, call } from '$lib/api/client';
import { ApiError } from '$lib/api/errors';
import type { Node, Project, Round, Step } from '$lib/api/types';
import { explainLimit } from '$lib/i18n/problems';
import { isLonger, TEXT_LENGTH, tooLong, type Content } from '$lib/steps/content';
import type { Transport } from './draft.svelte';

/** What a browser sends of a page that is already gone; a longer body would be refused at once. */
const KEEPALIVE_BYTES = 60_000;

function request(id: string, version: number, leaving: boolean, value: unknown) {
	const keepalive = leaving && new Blob([JSON.stringify(value)]).size < KEEPALIVE_BYTES;
	return {
		params: { path: { id } },
		headers: { 'If-Match': String(version) },
		keepalive
	};
}

/** Says what the server would say, without sending a text that it would refuse. */
function refuse(fields: { field: string; limit: number }[]) {
	if (fields.length === 0) return;
	const details = fields.map(({ field, limit }) => ({ field, reason: explainLimit(limit) }));
	throw new ApiError(422, 'VAL_003', 'Longer than it may be.', details);
}

function check(field: string, text: string) {
	if (isLonger(text, TEXT_LENGTH)) refuse([{ field, limit: TEXT_LENGTH }]);
}

export const step = (id: string): Transport<Content> => ({
	read(object) {
		const { content, version } = object as Step;
		return { value: content as Content, version };
	},
	async write(content, version, leaving) {
		refuse(tooLong(content).map(({ field, limit }) => ({ field: `content.${field}`, limit })));
		return call(
			api.PATCH('/steps/{id}/', { ...request(id, version, leaving, content), body: { content } })
		);
	}
});

/** The answer to the question that a round opens with. */
export const note = (id: string): Transport<string> => ({
	read(object) {
		const { note, version } = object as Round;
		return { value: note, version };
	},
	async write(note, version, leaving) {
		check('note', note);
		return call(
			api.PATCH('/rounds/{id}/', { ...request(id, version, leaving, note), body: { note } })
		);
	}
});

export type ProjectText = {
	title: string;
	category: string;
};

export const project = (id: string): Transport<ProjectText> => ({
	read(object) {
		const { title, category, version } = object as Project;
		return { value: { title, category }, version };
	},
	write: (value, version, leaving) =>
		call(api.PATCH('/projects/{id}/', { ...request(id, version, leaving, value), body: value }))
});

export type NodeText = {
	title: string;
	context: string;
};

export const node = (id: string): Transport<NodeText> => ({
	read(object) {
		const { title, context, version } = object as Node;
		return { value: { title, context }, version };
	},
	async write(value, version, leaving) {
		check('context', value.context);
		return call(
			api.PATCH('/nodes/{id}/', { ...request(id, version, leaving, value), body: value })
		);
	}
});

/** How an object is read again whose page is not open, and written. */
export interface Kind {
	read: (id: string) => Promise<unknown>;
	transport: (id: string) => Transport<unknown>;
}

export const kinds = {
	step: {
		read: (id: string) => call(api.GET('/steps/{id}/', { params: { path: { id } } })),
		transport: step
	},
	note: {
		read: (id: string) => call(api.GET('/rounds/{id}/', { params: { path: { id } } })),
		transport: note
	},
	project: {
		read: (id: string) => call(api.GET('/projects/{id}/', { params: { path: { id } } })),
		transport: project
	},
	node: {
		read: (id: string) => call(api.GET('/nodes/{id}/', { params: { path: { id } } })),
		transport: node
	}
} as const;
