const KEY = 'single-keys';

let on = $state(localStorage.getItem(KEY) !== 'off');

/** Whether keys without Ctrl or Cmd do something, in this browser. */
export const single = {
	get on(): boolean {
		return on;
	},

	set(choice: boolean) {
		on = choice;
		if (choice) localStorage.removeItem(KEY);
		else localStorage.setItem(KEY, 'off');
	}
};
