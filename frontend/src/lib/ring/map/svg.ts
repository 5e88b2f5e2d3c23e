import type { Palette } from './palette';
import { ink, radius, type Scene } from './scene';
import type { Text } from './texts';
import { growth, type Paper, type View } from './view';

/** The map as an SVG file: the same lists that the screen draws. */
export function svg(
	scene: Scene,
	view: View,
	{ width, height }: Paper,
	texts: Text[],
	palette: Palette,
	{ title, font, shown }: { title: string; font: string; shown: number }
): string {
	const x = (value: number) => number(view.x + value * view.scale);
	const y = (value: number) => number(view.y + value * view.scale);
	const grown = growth(view, view);
	const { width: widest, strength } = ink(scene.chords.length);
	const lines: string[] = [];
	for (let round = 1; round <= scene.rounds; round++) {
		const [colour, line] = round <= shown ? [palette.ink, 1.25] : [palette.faint, 1];
		lines.push(
			`<circle cx="${x(0)}" cy="${y(0)}" r="${number(round * view.scale)}" fill="none" stroke="${colour}" stroke-width="${line}"/>`
		);
	}
	for (const { clearing } of texts) {
		if (!clearing) continue;
		const { left, top, right, bottom } = clearing;
		lines.push(
			`<rect x="${number(left)}" y="${number(top)}" width="${number(right - left)}" height="${number(bottom - top)}" fill="${palette.bg}"/>`
		);
	}
	for (const { from, to, weight, born } of scene.chords) {
		if (born > shown) continue;
		const [a, b] = [scene.dots[from]!, scene.dots[to]!];
		lines.push(
			`<line x1="${x(a.x)}" y1="${y(a.y)}" x2="${x(b.x)}" y2="${y(b.y)}" stroke="${palette.muted}" stroke-opacity="${strength}" stroke-width="${number(weight * widest)}"/>`
		);
	}
	for (const dot of scene.dots) {
		const { x: dx, y: dy, tone, hollow, born, title } = dot;
		if (born > shown) continue;
		const size = number(radius(dot, grown, scene));
		const paint = hollow
			? `fill="${palette.bg}" stroke="${palette[tone]}" stroke-width="1.75"`
			: `fill="${palette[tone]}"`;
		lines.push(
			`<circle cx="${x(dx)}" cy="${y(dy)}" r="${size}" ${paint}><title>${escape(title)}</title></circle>`
		);
	}
	for (const text of texts) {
		const turned = text.angle
			? ` transform="rotate(${number((text.angle * 180) / Math.PI)} ${number(text.x)} ${number(text.y)})"`
			: '';
		const bold = text.bold ? ' font-weight="600"' : '';
		lines.push(
			`<text x="${number(text.x)}" y="${number(text.y)}" dy="0.35em" text-anchor="${text.anchor}" font-size="${text.size}"${bold} fill="${palette[text.tone]}" stroke="${palette.bg}" stroke-width="3" stroke-linejoin="round" paint-order="stroke"${turned}>${escape(text.text)}</text>`
		);
	}
	return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="${escape(font)}" role="img">
<title>${escape(title)}</title>
<rect width="${width}" height="${height}" fill="${palette.bg}"/>
${lines.join('\n')}
</svg>
`;
}

function number(value: number): number {
	return Math.round(value * 100) / 100;
}

const ENTITIES: Record<string, string> = {
	'&': '&amp;',
	'<': '&lt;',
	'>': '&gt;',
	'"': '&quot;',
	"'": '&#39;'
};

/** Markup in a title is shown, and what XML cannot hold is left out. */
export function escape(text: string): string {
	return (
		text
			// eslint-disable-next-line no-control-regex
			.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, '')
			.replace(/[&<>"']/g, (letter) => ENTITIES[letter]!)
	);
}
