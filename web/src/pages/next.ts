/** Where to go after signing in: a page of ours and nothing else (an open redirect would lend our name to others). */
export function nextPage(asked: string | null): string {
  if (asked === null) return "/";
  return /^\/(?:studio|admin|settings|@[a-z0-9][a-z0-9_-]{0,63})(?:[/?][\w/?=&@-]*)?$/.test(asked) ? asked : "/";
}
