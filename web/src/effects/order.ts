import type { components } from "../api/schema";

export type EffectKind = components["schemas"]["EffectTrigger"]["kind"];
/** What an emoji does, in the order in which emoji are offered. */
export type Pair = readonly [emoji: string, kind: EffectKind];

export const KINDS: readonly EffectKind[] = ["rain", "hearts", "confetti", "fireworks", "combo", "sticker", "money", "rocket"];
/** As many as a channel's map has. */
export const MOST_EMOJI = 24;

const letters = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const PICTURE = /^(?:\p{Extended_Pictographic}|\p{Regional_Indicator}{2})/u;

/** The one emoji of what somebody typed, or null. */
export function oneEmoji(text: string): string | null {
  const found = Array.from(letters.segment(text.trim()), ({ segment }) => segment);
  const [first] = found;
  return found.length === 1 && first !== undefined && first.length <= 16 && PICTURE.test(first) ? first : null;
}

/** The pairs with this emoji at the end, or as they were where it is there already. */
export function withEmoji(pairs: readonly Pair[], emoji: string): readonly Pair[] {
  const known = pairs.some(([each]) => each === emoji);
  return known || pairs.length >= MOST_EMOJI ? pairs : [...pairs, [emoji, "rain"]];
}

/** The pairs with one of them a place further up. */
export function movedUp(pairs: readonly Pair[], index: number): readonly Pair[] {
  const pair = pairs[index];
  return pair === undefined || index === 0 ? pairs : pairs.toSpliced(index, 1).toSpliced(index - 1, 0, pair);
}
