import type { Channel, Copy, CopyStore } from './copies';

/** A browser for tests: what its stores hold survives a page, and its tabs hear each other. */
export class MemoryBrowser {
	items = new Map<string, Copy<unknown>>();
	room = Infinity;
	#channels: Channel[] = [];

	store(account = 'alice'): CopyStore {
		const name = (key: string) => `${account}:${key}`;
		const row = (key: string, page: string) => `${name(key)} ${page}`;
		const mine = () => [...this.items].filter(([key]) => key.startsWith(name('')));
		return {
			all: async () =>
				mine().map(([key, copy]) => [key.slice(name('').length).split(' ')[0]!, copy]),
			read: async (key, page) => this.items.get(row(key, page)) ?? null,
			write: async (key, copy) => {
				if (JSON.stringify(copy).length > this.room) throw new DOMException('full');
				this.items.set(row(key, copy.page), structuredClone(copy));
			},
			remove: async (key, page, copy) => {
				const kept = JSON.stringify(this.items.get(row(key, page)));
				if (!copy || kept === JSON.stringify(copy)) this.items.delete(row(key, page));
			},
			clear: async () => mine().forEach(([key]) => this.items.delete(key))
		};
	}

	channel(): Channel {
		const channel: Channel = {
			onmessage: null,
			postMessage: (data) => {
				for (const other of this.#channels) {
					if (other !== channel) {
						other.onmessage?.call(other as BroadcastChannel, { data } as MessageEvent);
					}
				}
			}
		};
		this.#channels.push(channel);
		return channel;
	}
}
