import type { Asked } from "./engine";

/** What nobody took by then is let go. */
const KEPT_MS = 8000;

const page = window as Window & { madangEarly?: Record<string, Asked> };

/** What `boot.js` asked for while the page was being loaded: each is taken once, by whoever asks the same. */
export function takeAsked(url: string): Asked | null {
  const { href } = new URL(url, location.href);
  const asked = page.madangEarly?.[href];
  if (!asked) return null;
  delete page.madangEarly?.[href];
  return asked;
}

window.setTimeout(() => {
  Object.values(page.madangEarly ?? {}).forEach((asked) => asked.stopped.abort());
  delete page.madangEarly;
}, KEPT_MS);
