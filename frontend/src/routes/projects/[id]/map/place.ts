import { placeName } from '$lib/i18n/steps';
import { m } from '$lib/paraglide/messages';
import { otherEnd, type Dot, type Scene } from '$lib/ring/map/scene';
import { turnFromFirstStep } from '$lib/ring/map/walk';
import { STEPS } from '$lib/steps/content';

/** Where a node stands: its round and step, or that it has none. */
function place({ global, round, step }: Dot): string {
	if (global) return m.nodes_global();
	if (round === null) return m.map_no_round();
	return placeName(round, step);
}

/** What is known of a node in one line. */
export function about(dot: Dot): string {
	const parts = [place(dot)];
	if (dot.recurs > 1) parts.push(m.map_recurs({ count: dot.recurs }));
	parts.push(dot.chords.length ? m.map_links({ count: dot.chords.length }) : m.map_no_links());
	return parts.join(' · ');
}

/** What is said of a node that was walked to, along one of its links or not. */
export function told({ dots, chords }: Scene, dot: number, linkedFrom: number | null): string {
	const said = `${dots[dot]!.title} · ${about(dots[dot]!)}`;
	if (linkedFrom === null) return said;
	const chord = dots[dot]!.chords.find((chord) => otherEnd(chords[chord]!, dot) === linkedFrom);
	const { weight } = chords[chord!]!;
	return `${said} · ${m.map_from({ title: dots[linkedFrom]!.title, weight })}`;
}

/** What a node is linked to, the strongest first. */
export function linked({ dots, chords }: Scene, dot: number): { dot: number; weight: number }[] {
	return dots[dot]!.chords.map((index) => chords[index]!)
		.map((chord) => ({ dot: otherEnd(chord, dot), weight: chord.weight }))
		.sort((a, b) => b.weight - a.weight);
}

export interface Group {
	key: string;
	title: string;
	dots: number[];
}

/** The nodes as they stand on the map: from the inside, in each ring by step, clockwise. */
export function groupsOf({ dots }: Scene, until: number): Group[] {
	const rounds = Array.from({ length: until }, (_, index) => index + 1);
	const groups: Group[] = [
		{ key: 'none', title: m.map_no_round(), dots: [] },
		...rounds.map((number) => ({
			key: String(number),
			title: m.round_title({ number }),
			dots: []
		})),
		{ key: 'global', title: m.nodes_global(), dots: [] }
	];
	const byKey = new Map(groups.map((group) => [group.key, group]));
	dots.forEach(({ global, round }, index) => {
		byKey.get(global ? 'global' : String(round ?? 'none'))?.dots.push(index);
	});
	const order = dots.map((dot) => {
		const step = dot.step ? STEPS.indexOf(dot.step) : STEPS.length;
		return step + turnFromFirstStep(dot);
	});
	for (const group of groups) group.dots.sort((a, b) => order[a]! - order[b]!);
	return groups.filter(({ dots }) => dots.length);
}
