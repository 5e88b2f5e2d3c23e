/** As many rounds as a project has at most; the server knows the same. */
export const ROUNDS = 5;
