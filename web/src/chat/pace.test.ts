import { expect, test } from "vitest";
import { calm, paced, READABLE_PER_S, rush } from "./pace";

/** Sends `perS` messages a second for `seconds`; how many of each second were shown. */
function talk(perS: number, seconds: number): { shown: number[]; rushed: number } {
  let pace = calm;
  const shown: number[] = Array.from({ length: seconds }, () => 0);
  for (let index = 0; index < perS * seconds; index++) {
    const now = 1000 + (index * 1000) / perS;
    const step = paced(pace, now);
    pace = step.pace;
    if (step.shown) shown[Math.floor(index / perS)] = (shown[Math.floor(index / perS)] ?? 0) + 1;
  }
  return { shown, rushed: rush(pace, 1000 + seconds * 1000) };
}

test("a calm room is shown whole, and nobody speaks of a rush", () => {
  const { shown, rushed } = talk(10, 20);
  expect(shown.reduce((sum, count) => sum + count, 0)).toBe(200);
  expect(rushed).toBe(0);
});

test("a stampede is shown as fast as one can read", () => {
  const { shown, rushed } = talk(200, 10);
  expect(shown[0]).toBeLessThan(60);
  for (const count of shown.slice(1)) expect(Math.abs(count - READABLE_PER_S)).toBeLessThanOrEqual(1);
  expect(rushed).toBeGreaterThan(180);
  expect(rushed).toBeLessThan(220);
});

test("many at once after a silence are let through", () => {
  let pace = calm;
  let shown = 0;
  for (let index = 0; index < 60; index++) {
    const step = paced(pace, 5000);
    pace = step.pace;
    if (step.shown) shown++;
  }
  expect(shown).toBe(40);
});

test("the rush is over when they fall silent", () => {
  let pace = calm;
  for (let index = 0; index < 400; index++) pace = paced(pace, index * 5).pace;
  expect(rush(pace, 2000)).toBeGreaterThan(0);
  expect(rush(pace, 12_000)).toBe(0);
});

test("a clock that steps back does no harm", () => {
  const one = paced(calm, 10_000).pace;
  const two = paced(one, 4000).pace;
  expect(two.at).toBe(10_000);
  expect(two.tokens).toBeLessThan(one.tokens);
});
