const END = /[。．！？!?\n]|\.(?=\s|$)/g;

/** The sentence in which a part of a text stands, as the context of the word that was selected. */
export function sentenceAround(text: string, start: number, end: number): string {
	const ends = [...text.matchAll(END)].map((match) => match.index + match[0].length);
	const from = ends.filter((place) => place <= start).at(-1) ?? 0;
	const to = ends.find((place) => place >= end) ?? text.length;
	return text.slice(from, to).trim();
}
