import type { Measure } from './texts';

/** Measures texts in a font, each only once. */
export function ruler(font: string): Measure {
	const widths = new Map<string, number>();
	const context = document.createElement('canvas').getContext('2d')!;
	context.font = `100px ${font}`;
	return (text) => {
		let width = widths.get(text);
		if (width === undefined) {
			width = context.measureText(text).width / 100;
			widths.set(text, width);
		}
		return width;
	};
}
