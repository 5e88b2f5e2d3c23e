import { api, call } from '$lib/api/client';
import type { Project } from '$lib/api/types';
import { sceneOf, type Scene } from '$lib/ring/map/scene';

export interface MapData {
	project: Project;
	scene: Scene;
}

export async function loadMap(id: string): Promise<MapData> {
	const params = { path: { id } };
	const [project, graph] = await Promise.all([
		call(api.GET('/projects/{id}/', { params })),
		call(api.GET('/projects/{id}/graph/', { params }))
	]);
	return { project, scene: sceneOf(graph) };
}
