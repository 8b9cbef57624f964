import { describe, expect, test } from "vitest";
import { Heights, spanOf } from "./window";

const even = () => 20;

describe("the drawn rows", () => {
  test("of a short list are all", () => {
    expect(spanOf(5, even, 0, 600)).toEqual({ start: 0, end: 5, above: 0, below: 0 });
  });

  test("of a long list at its bottom are the newest", () => {
    const span = spanOf(1000, even, 0, 600);
    expect(span.end).toBe(1000);
    expect(span.below).toBe(0);
    expect(span.start).toBe(950);
    expect(span.above).toBe(950 * 20);
  });

  test("in the middle leave room below and above", () => {
    const span = spanOf(1000, even, 10_000, 600);
    expect(span.below).toBe(9600);
    expect(span.end).toBe(520);
    expect(span.start).toBe(450);
    expect(span.above + span.below + (span.end - span.start) * 20).toBe(20_000);
  });

  test("cover the view whatever the heights", () => {
    let seed = 7;
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
    for (let turn = 0; turn < 300; turn++) {
      const heights = Array.from({ length: Math.floor(random() * 120) }, () => 10 + random() * 200);
      const total = heights.reduce((sum, height) => sum + height, 0);
      const view = 50 + random() * 800;
      const from = random() * Math.max(0, total - view);
      const span = spanOf(heights.length, (index) => heights[index] ?? 0, from, view);
      const drawn = heights.slice(span.start, span.end).reduce((sum, height) => sum + height, 0);
      expect(span.above + drawn + span.below).toBeCloseTo(total, 6);
      expect(span.below).toBeLessThanOrEqual(from + 1e-6);
      expect(span.below + drawn).toBeGreaterThanOrEqual(Math.min(total, from + view) - 1e-6);
    }
  });
});

describe("heights", () => {
  test("are guessed by the mean of those seen", () => {
    const heights = new Heights(24);
    expect(heights.of("a")).toBe(24);
    expect(heights.put("a", 30)).toBe(true);
    expect(heights.put("a", 30.2)).toBe(false);
    heights.put("b", 50);
    expect(heights.of("c")).toBe(40);
    heights.put("b", 70);
    expect(heights.mean()).toBe(50);
  });

  test("of rows that left are forgotten", () => {
    const heights = new Heights(24);
    heights.put("a", 10);
    heights.put("b", 20);
    heights.keep(["b"]);
    expect(heights.size).toBe(1);
    expect(heights.mean()).toBe(20);
    heights.clear();
    expect(heights.mean()).toBe(24);
  });
});
