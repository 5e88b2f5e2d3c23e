import { describe, expect, test } from 'vitest';
import { ApiError, isTemporary, isUnreachable } from './errors';

const shape = {
	error: {
		code: 'VAL_003',
		type: 'validation_error',
		message: 'Too long.',
		details: [{ field: 'title', reason: 'At most 255 characters.' }],
		request_id: 'abc',
		timestamp: '2026-11-01T00:00:00Z'
	}
};

describe('an error', () => {
	test('says what the server said', async () => {
		const error = await ApiError.from(Response.json(shape, { status: 422 }));
		expect(error).toMatchObject({ status: 422, code: 'VAL_003', requestId: 'abc' });
		expect(error.reasonFor('title')).toBe('At most 255 characters.');
		expect(error.reasonFor('category')).toBeNull();
	});

	test('brings the object as it is after a conflict', async () => {
		const body = { error: { ...shape.error, code: 'BIZ_002', current: { version: 4 } } };
		const error = await ApiError.from(Response.json(body, { status: 409 }));
		expect(error.current).toEqual({ version: 4 });
	});

	test('says how long to wait', async () => {
		const wait = (value: string) =>
			ApiError.from(new Response('', { status: 503, headers: { 'Retry-After': value } }));
		expect((await wait('20')).retryAfter).toBe(20);
		expect((await wait('soon')).retryAfter).toBeNull();
		expect((await wait('-1')).retryAfter).toBeNull();
	});

	test.each([
		[502, 'SRV_003'],
		[504, 'SRV_003'],
		[521, 'SRV_003'],
		[500, 'SRV_001'],
		[404, 'SRV_001']
	])('%i from something in between that does not know the shape is %s', async (status, code) => {
		const page = new Response('<html>Bad gateway</html>', { status });
		expect(await ApiError.from(page)).toMatchObject({ status, code });
	});

	test.each([
		[0, true, false],
		[401, true, false],
		[404, false, false],
		[422, false, false],
		[429, true, false],
		[500, true, false],
		[502, true, true],
		[503, true, true],
		[504, true, true]
	])('%i is temporary: %s, and tells of no server: %s', (status, temporary, unreachable) => {
		expect([isTemporary(status), isUnreachable(status)]).toEqual([temporary, unreachable]);
		const error = new ApiError(status, 'SRV_001', '');
		expect([error.temporary, error.unreachable]).toEqual([temporary, unreachable]);
	});

	test('without an answer is temporary, and tells of no server', () => {
		expect(ApiError.offline()).toMatchObject({ temporary: true, unreachable: true });
	});

	test('is no error of its own when the body is JSON of another kind', async () => {
		expect((await ApiError.from(Response.json(null, { status: 500 }))).code).toBe('SRV_001');
		expect((await ApiError.from(Response.json({ error: 'x' }, { status: 500 }))).code).toBe(
			'SRV_001'
		);
	});
});
