import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { GET } from './+server';

/** Width and height stand at the beginning of a PNG, after its signature and the name of its first part. */
function sizeOf(path: string): string {
	const file = readFileSync(`static${path}`);
	expect(file.toString('latin1', 1, 4)).toBe('PNG');
	return `${file.readUInt32BE(16)}x${file.readUInt32BE(20)}`;
}

test('each icon is there, as large as it says', async () => {
	const { icons } = await GET().json();
	const pictures = icons.filter(({ type }: { type: string }) => type === 'image/png');
	expect(pictures).toHaveLength(3);
	for (const { src, sizes } of pictures) expect(sizeOf(src)).toBe(sizes);
	expect(sizeOf('/icons/180.png')).toBe('180x180');
});
