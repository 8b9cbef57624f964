import { expect, test } from "vitest";
import { paceBehindNewest, TARGET_S } from "./flvpace";
import { paceNearLive } from "./hlspace";

test.each([
  ["where it should be", 0.04, 0.5],
  ["too near to live", -0.3, 0.5],
  ["with too little to play", 1, 0.3],
  ["far back on purpose", 6, 8],
])("nothing is hurried %s", (_, behindS, aheadS) => {
  expect(paceNearLive(behindS, aheadS)).toBe(1);
});

test.each([
  [0.06, 0.5, 1.05],
  [0.4, 0.9, 1.2],
  [0.4, 0.5, 1.1],
  [1.6, 2, 1.5],
  [4.9, 5.4, 1.5],
])("%d s behind with %d s to play goes at %d", (behindS, aheadS, rate) => {
  expect(paceNearLive(behindS, aheadS)).toBe(rate);
});

test("HTTP-FLV hurries from one mark back to the other", () => {
  expect(paceBehindNewest(0.3, 1)).toBe(1);
  expect(paceBehindNewest(0.5, 1)).toBeCloseTo(1.3);
  expect(paceBehindNewest(0.3, 1.3)).toBe(1.3);
  expect(paceBehindNewest(0.19, 1.3)).toBe(1);
  expect(paceBehindNewest(1.9, 1)).toBe(1.5);
});

const LOOK_S = 0.1;

/** A network that takes from `leastS` to `mostS` for each piece, the same in every run. */
function delays(leastS: number, mostS: number): () => number {
  let seed = 7;
  return () => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return leastS + ((mostS - leastS) * seed) / 2 ** 31;
  };
}

type Run = { stalls: number; behind: number[] };

/** Plays for a minute what comes in pieces of `pieceS`; `pace` is asked ten times a second. */
function play(pieceS: number, delay: () => number, startS: number, pace: (position: number, end: number, liveS: number) => number): Run {
  const run: Run = { stalls: 0, behind: [] };
  let [position, end, next, rate] = [-startS, 0, pieceS, 1];
  let due = next + delay();
  const step = 0.01;
  for (let now = 0; now < 60; now += step) {
    while (due <= now) {
      end = next;
      next += pieceS;
      due = Math.max(due, next + delay());
    }
    if (Math.abs(now / LOOK_S - Math.round(now / LOOK_S)) < step / LOOK_S / 2) rate = pace(position, end, now);
    const to = position + step * rate;
    if (to > end) run.stalls += 1;
    position = Math.min(to, end);
    run.behind.push(now - position);
  }
  return run;
}

/** What hls.js tells as latency: from the end of the newest playlist, which grows older. */
function nearLive(holdBackS: number) {
  let [edge, at] = [0, 0];
  return (position: number, end: number, nowS: number) => {
    if (end !== edge) [edge, at] = [end, nowS];
    const latencyS = edge + (nowS - at) - position;
    return paceNearLive(latencyS - holdBackS, end - position);
  };
}

test.each([
  [0.02, 0.05],
  [0.05, 0.15],
  [0.05, 0.3],
])("parts of 0.2 s that take %d to %d s: at the hold-back in ten seconds, and it never stands", (least, most) => {
  const { stalls, behind } = play(0.2, delays(least, most), 2.4, nearLive(0.6));
  expect(stalls).toBe(0);
  expect(Math.max(...behind.slice(1000))).toBeLessThan(0.6 + most + 0.2);
  expect(Math.min(...behind)).toBeGreaterThan(0.5);
});

test("frames of HTTP-FLV in windows of 33 ms: between the marks in five seconds, and it never stands", () => {
  let rate = 1;
  const { stalls, behind } = play(0.033, delays(0.005, 0.06), 1.5, (position, end) => (rate = paceBehindNewest(end - position, rate)));
  expect(stalls).toBe(0);
  expect(Math.max(...behind.slice(500))).toBeLessThan(0.5);
  expect(Math.min(...behind)).toBeGreaterThan(TARGET_S - 0.1);
});
