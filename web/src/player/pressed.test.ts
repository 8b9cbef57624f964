import { expect, test, vi } from "vitest";
import { hearKeys } from "./keys";
import { keepPresses, takePressed } from "./pressed";

const press = (key: string, init: KeyboardEventInit = {}) => dispatchEvent(new KeyboardEvent("keydown", { key, cancelable: true, ...init }));

test("what is pressed before the player is there is kept in its order and taken once", () => {
  keepPresses();
  expect(press("m")).toBe(false);
  press("x");
  press(" ", { repeat: true });
  press("f");
  expect(takePressed()).toEqual(["mute", "fullscreen"]);
  expect(takePressed()).toEqual([]);
});

test("the player that took them hears by itself", () => {
  keepPresses();
  takePressed();
  const act = vi.fn();
  const leave = hearKeys(act);
  press("m");
  leave();
  press("m");
  expect(act.mock.calls).toEqual([["mute"]]);
  expect(takePressed()).toEqual([]);
});

test("who leans on a key fills no memory", () => {
  keepPresses();
  for (let time = 0; time < 100; time++) press("ArrowUp", { repeat: true });
  expect(takePressed()).toHaveLength(16);
});

test("on a page that began no picture nothing is kept", () => {
  press("m");
  expect(takePressed()).toEqual([]);
});
