import { expect, test } from "vitest";
import { LiveEdge } from "./edge";

test("knows nothing before the first arrival", () => {
  expect(new LiveEdge().now(1000)).toBeNull();
});

test("takes the soonest arrival for the edge", () => {
  const edge = new LiveEdge();
  edge.arrived(10_000, 500_300);
  edge.arrived(11_000, 501_050);
  edge.arrived(12_000, 502_400);
  expect(edge.now(503_000)).toBeCloseTo(503_000 - 490_054, 0);
});

test("follows a stream whose clock falls behind", () => {
  const edge = new LiveEdge();
  for (let beat = 0; beat < 1000; beat++) edge.arrived(beat * 500 - beat, beat * 500);
  expect(edge.now(500_000)).toBeLessThan(500_000 - 900);
});
