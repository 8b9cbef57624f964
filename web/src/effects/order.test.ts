import { expect, test } from "vitest";
import { MOST_EMOJI, movedUp, oneEmoji, withEmoji, type Pair } from "./order";

const pairs: readonly Pair[] = [
  ["🎉", "confetti"],
  ["❤️", "hearts"],
  ["🔥", "rain"],
];

test("one emoji is one emoji", () => {
  for (const good of ["🎉", " 🎉 ", "❤️", "👏🏽", "👩‍💻", "🇰🇷"]) expect(oneEmoji(good)).toBe(good.trim());
  for (const bad of ["", "a", "ㅋ", "🎉🎉", "1", "<b>", "🎉a"]) expect(oneEmoji(bad)).toBeNull();
});

test("an emoji is there once, and only so many are", () => {
  expect(withEmoji(pairs, "🎉")).toBe(pairs);
  expect(withEmoji(pairs, "🍕").at(-1)).toEqual(["🍕", "rain"]);
  const full: Pair[] = Array.from({ length: MOST_EMOJI }, (_, index) => [String.fromCodePoint(0x1f600 + index), "rain"]);
  expect(withEmoji(full, "🎉")).toBe(full);
});

test("moves one up, and the first nowhere", () => {
  expect(movedUp(pairs, 2).map(([emoji]) => emoji)).toEqual(["🎉", "🔥", "❤️"]);
  expect(movedUp(pairs, 0)).toBe(pairs);
  expect(movedUp(pairs, 9)).toBe(pairs);
});
