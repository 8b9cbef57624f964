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
  expect(edge.now(503_000)).toBeCloseTo(503_000 - 490_050, 0);
});

test("follows a stream whose clock falls behind", () => {
  const edge = new LiveEdge();
  for (let beat = 0; beat < 100; beat++) edge.arrived(beat * 250, beat * 500);
  const late = (edge.now(49_500) ?? 0) - 99 * 250;
  expect(late).toBeLessThan(6000);
});
