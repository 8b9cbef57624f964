import { expect, test } from "vitest";
import { cornerOf, fit, obstacleOf, widthOf } from "./capture";

test("a picture has the usual proportions and even numbers", () => {
  expect([360, 540, 720, 1080].map(widthOf)).toEqual([640, 960, 1280, 1920]);
});

test("a shared screen of any shape is wholly seen", () => {
  expect(fit(1280, 720, 16 / 9)).toEqual([0, 0, 1280, 720]);
  expect(fit(1280, 720, 4 / 3)).toEqual([160, 0, 960, 720]);
  expect(fit(1280, 720, 32 / 9)).toEqual([0, 180, 1280, 360]);
});

test("the camera stands in the corner of the screen, a quarter wide", () => {
  const [x, y, width, height] = cornerOf(1280, 720, 16 / 9);
  expect([width, height]).toEqual([320, 180]);
  expect(x + width).toBeLessThan(1280);
  expect(y + height).toBeLessThan(720);
});

test.each([
  ["NotAllowedError", "denied"],
  ["NotFoundError", "missing"],
  ["OverconstrainedError", "missing"],
  ["NotReadableError", "busy"],
  ["WhateverError", "unknown"],
])("%s is told as %s", (name, told) => {
  expect(obstacleOf(new DOMException("", name))).toBe(told);
});

test("what is no browser's refusal is unknown", () => {
  expect(obstacleOf(new Error("x"))).toBe("unknown");
});
