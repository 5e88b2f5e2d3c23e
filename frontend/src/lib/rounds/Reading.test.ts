import { render } from 'svelte/server';
import { expect, test } from 'vitest';
import '$lib/i18n/language.svelte';
import type { StepType } from '$lib/api/types';
import { newItem, type Content } from '$lib/steps/content';
import Reading from './Reading.svelte';

/** Its words, and the strokes through them. */
function read(type: StepType, content: Content, before?: Content): string {
	const { body } = render(Reading, { props: { type, content, before } });
	return body
		.replace(/<(\/?s)\b[^>]*>|<[^>]*>/g, (_, stroke) => (stroke ? `<${stroke}>` : ' '))
		.replace(/\s+/g, ' ')
		.trim();
}

test('texts are read under their names, empty ones left out', () => {
	expect(read('overview', { theme: '温度', purpose: ' ', pain: '誤差' })).toBe(
		'テーマ 温度 困りごと 誤差'
	);
});

test('items are read under the name of their list, what is not needed struck through', () => {
	const content = {
		must: [newItem('温度計'), { ...newItem('記録'), struck: true }],
		optional: [],
		later: [newItem('印刷')]
	};
	expect(read('mvp', content)).toBe('必須 温度計 <s>記録</s> 後回し 印刷');
});

test('an item that is not needed any more says so once, in the round that struck it out', () => {
	const before = { items: [newItem('温度計')] };
	const after = { items: [{ ...newItem('温度計'), origin: before.items[0]!.id, struck: true }] };
	const later = { items: [{ ...after.items[0]!, id: 'later', origin: after.items[0]!.id }] };
	expect(read('flow', after, before)).toContain('<s>温度計</s> やめた');
	expect(read('flow', later, after)).not.toContain('やめた');
});
