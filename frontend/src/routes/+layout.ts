// Every page is about the person signed in, whom only the browser knows: its memory holds the access token.
export const ssr = false;
