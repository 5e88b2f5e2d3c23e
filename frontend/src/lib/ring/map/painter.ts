import type { Palette } from './palette';
import { arrival, ink, otherEnd, presence, radius, type Scene } from './scene';
import type { Text } from './texts';
import { growth, type Paper, type View } from './view';

/** What one picture of the map shows. */
export interface Moment {
	scene: Scene;
	view: View;
	whole: View;
	paper: Paper;
	/** The rounds up to this one; between two while one of them comes. */
	shown: number;
	/** Where that is going. */
	until: number;
	/** The dot that is pointed at or chosen: it and what it is linked to stand out. */
	focus: number | null;
	texts: Text[];
	palette: Palette;
	font: string;
}

/** Up to so many chords everything is drawn anew in each picture; more are drawn aside, a share in each. */
const AT_ONCE = 300;
const LEAST = 200;
const MOST = 1_500;
/** Milliseconds between two pictures, more than at 60 in a second: then the share becomes smaller. */
const SLOW = 19;
const FADE = 220;
const DIMMED = 0.25;
/** Thin lines take less time when some of them are drawn as one; wide ones take more. */
const TOGETHER = 16;

/** A drawing of chords and dots, of one view and the rounds up to one. */
interface Layer {
	canvas: HTMLCanvasElement;
	context: CanvasRenderingContext2D;
	view: View;
	until: number;
	/** How many chords and dots are in it. */
	drawn: number;
	begun: number;
}

/** Draws the map on a canvas. */
export class Painter {
	readonly #canvas: HTMLCanvasElement;
	readonly #context: CanvasRenderingContext2D;
	readonly #sprites = new Map<string, HTMLCanvasElement>();
	#ratio = 1;
	#palette: Palette | null = null;
	#scene: Scene | null = null;
	/** What is shown, what it fades out from, and what is being drawn to be shown next. */
	#layer: Layer | null = null;
	#before: Layer | null = null;
	#next: Layer | null = null;
	#share = LEAST;
	#last = 0;

	constructor(canvas: HTMLCanvasElement) {
		this.#canvas = canvas;
		this.#context = canvas.getContext('2d', { alpha: false })!;
	}

	resize({ width, height }: Paper, ratio: number) {
		this.#ratio = ratio;
		this.#canvas.width = Math.round(width * ratio);
		this.#canvas.height = Math.round(height * ratio);
		this.#forget();
	}

	/** Draws; answers whether there is more to draw. */
	paint(moment: Moment, now: number): boolean {
		const { scene, paper, palette } = moment;
		if (palette !== this.#palette || scene !== this.#scene) this.#forget();
		this.#palette = palette;
		this.#scene = scene;

		const context = this.#context;
		context.setTransform(this.#ratio, 0, 0, this.#ratio, 0, 0);
		context.fillStyle = palette.bg;
		context.fillRect(0, 0, paper.width, paper.height);
		this.#rings(moment);
		const more = this.#things(moment, now);
		if (moment.focus !== null) this.#focus(moment, moment.focus);
		this.#texts(moment);
		this.#last = now;
		return more;
	}

	#forget() {
		this.#layer = this.#before = this.#next = null;
		this.#sprites.clear();
	}

	#rings({ scene, view, shown, texts, palette }: Moment) {
		const context = this.#context;
		const circle = (radius: number) => {
			context.beginPath();
			context.arc(view.x, view.y, Math.max(0, radius) * view.scale, 0, 2 * Math.PI);
			context.stroke();
		};
		for (let round = 1; round <= scene.rounds; round++) {
			const there = presence(round, shown);
			context.lineWidth = 1;
			context.strokeStyle = palette.faint;
			if (there < 1) circle(round);
			if (there === 0) continue;
			context.lineWidth = 1.25;
			context.strokeStyle = palette.ink;
			context.globalAlpha = there;
			circle(round * arrival(round, shown));
			context.globalAlpha = 1;
		}
		context.fillStyle = palette.bg;
		for (const { clearing } of texts) {
			if (!clearing) continue;
			const { left, top, right, bottom } = clearing;
			context.fillRect(left, top, right - left, bottom - top);
		}
	}

	/** Chords and dots; where one stands out, the others stand back. */
	#things(moment: Moment, now: number): boolean {
		const { scene, view, shown, focus } = moment;
		const strength = focus === null ? 1 : DIMMED;
		if (scene.chords.length <= AT_ONCE) {
			this.#stroke(this.#context, moment, 0, scene.chords.length, shown, strength);
			this.#dots(this.#context, moment, 0, scene.dots.length, shown, strength);
			return false;
		}
		const more = this.#draw(moment, now);
		const layer = this.#layer!;
		const part = this.#before ? Math.min(1, (now - layer.begun) / FADE) : 1;
		if (this.#before) this.#show(this.#before, view, strength * (1 - part));
		this.#show(layer, view, strength * part);
		if (part === 1) this.#before = null;
		return more || part < 1;
	}

	/** Draws a share of it all aside; what stands there already is shown meanwhile. */
	#draw(moment: Moment, now: number): boolean {
		const { scene, view, paper, until } = moment;
		const fits = (layer: Layer) =>
			layer.until === until &&
			layer.view.x === view.x &&
			layer.view.y === view.y &&
			layer.view.scale === view.scale;
		if (!this.#next && this.#layer && fits(this.#layer)) return false;
		if (this.#next && this.#next.until !== until) this.#next = null;
		this.#next ??= this.#newLayer(paper, view, until);
		const took = now - this.#last;
		if (took > SLOW) this.#share = Math.max(LEAST, this.#share / 2);
		else this.#share = Math.min(MOST, this.#share * 1.1);

		const next = this.#next;
		const chords = scene.chords.length;
		const all = chords + scene.dots.length;
		// The first time there is nothing to show meanwhile.
		const to = this.#layer ? Math.min(all, next.drawn + Math.round(this.#share)) : all;
		const own = { ...moment, view: next.view };
		this.#stroke(next.context, own, next.drawn, Math.min(to, chords), until, 1);
		this.#dots(next.context, own, Math.max(0, next.drawn - chords), to - chords, until, 1);
		next.drawn = to;
		if (to === all) {
			const other = this.#layer !== null && this.#layer.until !== until;
			this.#before = other ? this.#layer : null;
			this.#layer = { ...next, begun: now };
			this.#next = null;
		}
		return true;
	}

	#newLayer({ width, height }: Paper, view: View, until: number): Layer {
		const canvas = document.createElement('canvas');
		canvas.width = Math.round(width * this.#ratio);
		canvas.height = Math.round(height * this.#ratio);
		const context = canvas.getContext('2d')!;
		context.setTransform(this.#ratio, 0, 0, this.#ratio, 0, 0);
		return { canvas, context, view, until, drawn: 0, begun: 0 };
	}

	/** A layer where it belongs in another view than its own. */
	#show({ canvas, view: own }: Layer, view: View, alpha: number) {
		const context = this.#context;
		const factor = view.scale / own.scale;
		context.globalAlpha = alpha;
		context.drawImage(
			canvas,
			view.x - own.x * factor,
			view.y - own.y * factor,
			(canvas.width / this.#ratio) * factor,
			(canvas.height / this.#ratio) * factor
		);
		context.globalAlpha = 1;
	}

	#stroke(
		context: CanvasRenderingContext2D,
		{ scene, view, whole, paper, palette }: Moment,
		from: number,
		to: number,
		shown: number,
		dimmed: number
	) {
		const { width, strength } = ink(scene.chords.length);
		const thin = width <= 1;
		const grown = thin ? 1 : (view.scale / whole.scale) ** 0.25;
		context.strokeStyle = palette.muted;
		let together = 0;
		for (let index = from; index < to; index++) {
			const chord = scene.chords[index]!;
			const there = presence(chord.born, shown);
			if (there === 0) continue;
			const a = scene.dots[chord.from]!;
			const b = scene.dots[chord.to]!;
			const ka = view.scale * arrival(a.born, shown);
			const kb = view.scale * arrival(b.born, shown);
			const ax = view.x + a.x * ka;
			const ay = view.y + a.y * ka;
			const bx = view.x + b.x * kb;
			const by = view.y + b.y * kb;
			if (Math.max(ax, bx) < 0 || Math.min(ax, bx) > paper.width) continue;
			if (Math.max(ay, by) < 0 || Math.min(ay, by) > paper.height) continue;
			const lineWidth = chord.weight * width * grown;
			if (!thin || together === TOGETHER || context.lineWidth !== lineWidth) {
				if (together) context.stroke();
				together = 0;
				context.beginPath();
				context.globalAlpha = strength * there * dimmed;
				context.lineWidth = lineWidth;
			}
			context.moveTo(ax, ay);
			context.lineTo(bx, by);
			together++;
		}
		if (together) context.stroke();
		context.globalAlpha = 1;
	}

	#dots(
		context: CanvasRenderingContext2D,
		moment: Moment,
		from: number,
		to: number,
		shown: number,
		strength: number
	) {
		for (let index = from; index < to; index++) {
			this.#dot(context, moment, index, shown, strength);
		}
		context.globalAlpha = 1;
	}

	#dot(
		context: CanvasRenderingContext2D,
		{ scene, view, whole, paper, palette }: Moment,
		index: number,
		shown: number,
		strength: number
	) {
		const dot = scene.dots[index]!;
		const there = presence(dot.born, shown);
		if (there === 0) return;
		const k = view.scale * arrival(dot.born, shown);
		const x = view.x + dot.x * k;
		const y = view.y + dot.y * k;
		if (x < -20 || y < -20 || x > paper.width + 20 || y > paper.height + 20) return;
		// In half pixels, so that few pictures of dots serve all.
		const r = Math.round(radius(dot, growth(view, whole), scene) * 2) / 2;
		const sprite = this.#sprite(palette[dot.tone], r, dot.hollow, palette.bg);
		const size = sprite.width / this.#ratio;
		context.globalAlpha = there * strength;
		context.drawImage(sprite, x - size / 2, y - size / 2, size, size);
	}

	/** One dot with its chords and what they lead to, above all others. */
	#focus(moment: Moment, focus: number) {
		const { scene, view, whole, shown, palette } = moment;
		const context = this.#context;
		const dot = scene.dots[focus]!;
		if (presence(dot.born, shown) < 1) return;
		const chords = dot.chords.map((index) => scene.chords[index]!);
		const present = chords.filter(({ born }) => presence(born, shown) === 1);
		const x = view.x + dot.x * view.scale;
		const y = view.y + dot.y * view.scale;
		context.strokeStyle = palette.accent;
		for (const chord of present) {
			const to = scene.dots[otherEnd(chord, focus)]!;
			context.lineWidth = 0.75 + chord.weight * 3;
			context.setLineDash(chord.automatic ? [6, 4] : []);
			context.beginPath();
			context.moveTo(x, y);
			context.lineTo(view.x + to.x * view.scale, view.y + to.y * view.scale);
			context.stroke();
		}
		context.setLineDash([]);
		for (const chord of present) this.#dot(context, moment, otherEnd(chord, focus), shown, 1);
		this.#dot(context, moment, focus, shown, 1);
		context.lineWidth = 2;
		context.beginPath();
		context.arc(x, y, radius(dot, growth(view, whole), scene) + 4, 0, 2 * Math.PI);
		context.stroke();
	}

	#sprite(colour: string, r: number, hollow: boolean, bg: string): HTMLCanvasElement {
		const key = `${colour} ${r} ${hollow}`;
		const known = this.#sprites.get(key);
		if (known) return known;
		const sprite = document.createElement('canvas');
		const half = Math.ceil(r + 2);
		sprite.width = sprite.height = Math.ceil(half * 2 * this.#ratio);
		const context = sprite.getContext('2d')!;
		context.scale(this.#ratio, this.#ratio);
		context.beginPath();
		context.arc(half, half, hollow ? r - 0.25 : r, 0, 2 * Math.PI);
		context.fillStyle = hollow ? bg : colour;
		context.fill();
		if (hollow) {
			context.lineWidth = 1.75;
			context.strokeStyle = colour;
			context.stroke();
		}
		this.#sprites.set(key, sprite);
		return sprite;
	}

	#texts({ texts, palette, font }: Moment) {
		const context = this.#context;
		context.textBaseline = 'middle';
		context.lineJoin = 'round';
		context.lineWidth = 3;
		context.strokeStyle = palette.bg;
		for (const { text, x, y, tone, size, bold, anchor, angle } of texts) {
			context.font = `${bold ? '600 ' : ''}${size}px ${font}`;
			context.textAlign = anchor === 'middle' ? 'center' : anchor;
			context.fillStyle = palette[tone];
			context.translate(x, y);
			if (angle) context.rotate(angle);
			context.strokeText(text, 0, 0);
			context.fillText(text, 0, 0);
			context.setTransform(this.#ratio, 0, 0, this.#ratio, 0, 0);
		}
	}
}
