import { env } from '$env/dynamic/public';

/** Where the API is: an absolute address, or a path on the page's own host. */
export const baseUrl = (env.VITE_API_BASE_URL || '/api/v1').replace(/\/+$/, '');
