import type { Tone } from '../drawing';
import { STEPS } from '$lib/steps/content';

export type Palette = Record<Tone | 'muted' | 'line' | 'bg', string>;

const VARIABLES: Record<keyof Palette, string> = {
	faint: '--ring-faint',
	ink: '--ink',
	accent: '--accent',
	muted: '--muted',
	line: '--line',
	bg: '--bg',
	...(Object.fromEntries(STEPS.map((step) => [step, `--step-${step}`])) as Record<
		(typeof STEPS)[number],
		string
	>)
};

/** The page's colours as a canvas and a file need them: as they come out, not as they are called. */
export function palette(host: Element, scheme?: 'light'): Palette {
	const probe = document.createElement('span');
	probe.hidden = true;
	if (scheme) probe.style.colorScheme = scheme;
	host.append(probe);
	const colours = Object.entries(VARIABLES).map(([name, variable]) => {
		probe.style.color = `var(${variable})`;
		return [name, getComputedStyle(probe).color];
	});
	probe.remove();
	return Object.fromEntries(colours) as Palette;
}
