import { expect, test } from 'vitest';
import { destination, isForEveryone, isOpen, loginAddress } from './redirects';

const page = (path: string) => new URL(path, 'https://thinkring.example');

test('only log-in and sign-up are open', () => {
	expect(['/login', '/signup', '/', '/projects/new', '/login/x'].map(isOpen)).toEqual([
		true,
		true,
		false,
		false,
		false
	]);
});

test('a forgotten password is set anew by anyone', () => {
	expect(['/reset', '/reset/1/a-b', '/resets', '/'].map(isForEveryone)).toEqual([
		true,
		true,
		false,
		false
	]);
});

test('the page asked for comes back after logging in', () => {
	const asked = page('/rounds/1?step=flow&x=a b');
	expect(destination(page(loginAddress(asked)))).toBe(asked.pathname + asked.search);
	expect(loginAddress(page('/'))).toBe('/login');
	expect(destination(page('/login'))).toBe('/');
});

test.each([
	'https://evil.example/',
	'//evil.example',
	'/\\evil.example',
	'javascript:alert(1)',
	'/login'
])('%s is not a page to go to', (next) => {
	expect(destination(page(`/login?next=${encodeURIComponent(next)}`))).toBe('/');
});
