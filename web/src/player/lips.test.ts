import { expect, test } from "vitest";
import { holdFor } from "./lips";

test("sound that is a little behind holds no picture", () => {
  for (const behindMs of [-50, 0, 60, 120, 144]) expect(holdFor(behindMs, 0)).toBe(0);
});

test("sound that is far behind is waited for, step by step, until it is near enough", () => {
  let holdMs = 0;
  const steps: number[] = [];
  for (let look = 0; look < 20; look++) {
    holdMs = holdFor(600 - holdMs, holdMs);
    steps.push(holdMs);
  }
  expect(steps.slice(0, 3)).toEqual([243, 364, 425]);
  expect(600 - holdMs).toBeLessThan(145);
  expect(steps.at(-1)).toBe(steps.at(-2));
});

test("the picture is let go when sound has caught up", () => {
  for (const soundMs of [70, 140]) {
    let holdMs = 480;
    for (let look = 0; look < 20; look++) holdMs = holdFor(soundMs - holdMs, holdMs);
    expect(holdMs).toBe(0);
  }
});

test("sound that never comes is not waited for", () => {
  let holdMs = 0;
  for (let look = 0; look < 50; look++) holdMs = holdFor(60_000, holdMs);
  expect(holdMs).toBe(2000);
});
