import { expect, test } from "vitest";
import type { Effect } from "./effect";
import { Cues } from "./when";

function effect(id: string, wall: number): Effect {
  return { id, kind: "rain", wall };
}

function stage(behind: number | null) {
  const drawn: string[] = [];
  const state = { now: 1_000_000, behind };
  const cues = new Cues(
    (each) => drawn.push(each.id),
    () => state.now,
    () => state.behind,
  );
  return { drawn, state, cues };
}

test("near live, or where nobody can tell, effects are drawn at once", () => {
  for (const behind of [null, 0, 3, 10]) {
    const { drawn, cues, state } = stage(behind);
    cues.hear(effect("a", state.now));
    expect(drawn).toEqual(["a"]);
  }
});

test("a picture far behind draws them when it gets there", () => {
  const { drawn, cues, state } = stage(60);
  cues.hear(effect("a", state.now));
  cues.tick();
  state.now += 59_000;
  cues.tick();
  expect(drawn).toEqual([]);
  state.now += 1_100;
  cues.tick();
  expect(drawn).toEqual(["a"]);
});

test("what the picture jumped over is dropped", () => {
  const { drawn, cues, state } = stage(600);
  cues.hear(effect("a", state.now));
  state.now += 30_000;
  state.behind = 0;
  cues.tick();
  expect(drawn).toEqual([]);
  expect(cues.length).toBe(0);
});

test("so many wait and no more", () => {
  const { cues, state } = stage(600);
  for (let each = 0; each < 300; each++) cues.hear(effect(String(each), state.now));
  expect(cues.length).toBe(200);
});
