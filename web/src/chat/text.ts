/** A piece of a message's text: words, a link, somebody's name. Never markup. */
export type Run = { kind: "words" | "mention"; text: string } | { kind: "link"; text: string; href: string };

const PIECES = /(https?:\/\/[^\s<>"'`]+)|(@[\p{L}\p{N}][\p{L}\p{N}_-]*)/giu;
/** What a sentence puts behind a link. */
const TRAILING = /[.,!?:;)\]}…]+$/;

/** Cuts a text into runs. Only `http` and `https` become links. */
export function runsOf(text: string): Run[] {
  const runs: Run[] = [];
  let done = 0;
  for (const found of text.matchAll(PIECES)) {
    const whole = found[0];
    const piece = found[1] ? whole.replace(TRAILING, "") : whole;
    const href = found[1] ? linkOf(piece) : null;
    if (found[1] && href === null) continue;
    // A name inside of a word is an address, not a mention.
    if (found[2] && /[\p{L}\p{N}_]$/u.test(text.slice(0, found.index))) continue;
    if (found.index > done) runs.push({ kind: "words", text: text.slice(done, found.index) });
    runs.push(href === null ? { kind: "mention", text: piece } : { kind: "link", text: piece, href });
    done = found.index + piece.length;
  }
  if (done < text.length) runs.push({ kind: "words", text: text.slice(done) });
  return runs;
}

function linkOf(text: string): string | null {
  try {
    const url = new URL(text);
    return (url.protocol === "https:" || url.protocol === "http:") && url.hostname.includes(".") && !url.username ? url.href : null;
  } catch {
    return null;
  }
}

const EMOJI = /^(?:\p{Extended_Pictographic}|\p{Regional_Indicator}{2}|[\u{1F3FB}-\u{1F3FF}\u200D\uFE0F\u20E3]|\s)+$/u;

/** One to four emoji and nothing else: shown larger. */
export function isBig(text: string): boolean {
  return text.length <= 40 && EMOJI.test(text) && lettersOf(text.replaceAll(/\s/g, "")) <= 4;
}

const letters = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** How many letters a reader sees: what the room's limit counts. */
export function lettersOf(text: string): number {
  return Array.from(letters.segment(text)).length;
}
