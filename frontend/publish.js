// Publishes the build's chunks where nginx serves them. The container's start does it; on another machine, which has nginx
// but not this container, it runs by itself (ops/swarm).
import { copyFile, mkdir, readdir, rename, stat, unlink, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const BUILT = 'build/client/_app/immutable';
// A volume that Django's static files share; everything outside of _app/ is theirs.
const PUBLISHED = 'dist/_app/immutable';
// A page that was opened before a deploy still finds its chunks for this long.
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

async function files(folder) {
	const names = await readdir(folder, { recursive: true });
	const found = await Promise.all(
		names.map(async (name) => ({ name, stats: await stat(join(folder, name)) }))
	);
	return found.filter(({ stats }) => stats.isFile());
}

async function publish() {
	const now = new Date();
	const built = await files(BUILT);
	for (const { name } of built) {
		const target = join(PUBLISHED, name);
		const temporary = `${target}.${process.pid}.new`;
		await mkdir(dirname(target), { recursive: true });
		// Under another name first, so that nginx never serves half a file.
		await copyFile(join(BUILT, name), temporary);
		await utimes(temporary, now, now);
		await rename(temporary, target);
	}
	const current = new Set(built.map(({ name }) => name));
	for (const { name, stats } of await files(PUBLISHED)) {
		if (!current.has(name) && now - stats.mtime > KEPT_MS) await unlink(join(PUBLISHED, name));
	}
	console.log(`${built.length} files published.`);
}

try {
	await publish();
} catch (error) {
	if (error.code !== 'EACCES' && error.code !== 'EPERM') throw error;
	console.error(
		`${error.path} cannot be written: the volume has files of another user. ` +
			`Give it to user ${process.getuid()} (chown -R), or remove the volume; it holds nothing but copies.`
	);
	process.exit(1);
}
