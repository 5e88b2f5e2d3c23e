import { expect, test } from 'vitest';
import { daysLeft } from './days';

const now = Date.parse('2026-07-01T12:00:00Z');

test.each([
	['2026-07-31T12:00:00Z', 30],
	['2026-07-31T12:00:05Z', 30],
	['2026-07-31T11:59:59Z', 30],
	['2026-07-30T12:00:00Z', 29],
	['2026-07-02T12:00:00Z', 1],
	['2026-07-02T11:00:00+00:00', 1],
	['2026-07-01T12:00:00Z', 0],
	['2026-06-01T00:00:00Z', 0]
])('until %s there are %i days', (until, days) => {
	expect(daysLeft(until, now)).toBe(days);
});
