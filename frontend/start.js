// Starts the front end in its container: publishes the build's chunks where nginx serves them, then serves pages.

// A container that stops keeps its address until nginx has forgotten it; one that is gone would only time out.
const LINGER_MS = 4000;

await import('./publish.js');

process.on('sveltekit:shutdown', () => setTimeout(() => {}, LINGER_MS));
await import('./build/index.js');
