import { afterEach, expect, test, vi } from "vitest";
import { hearKeys } from "./keys";
import { clickAgain, keepPresses, takePressed } from "./pressed";

const picture = document.createElement("video");
const press = (key: string, init: KeyboardEventInit = {}) => dispatchEvent(new KeyboardEvent("keydown", { key, cancelable: true, ...init }));

const click = (x: number, y: number, pointerType: string) => picture.dispatchEvent(new PointerEvent("click", { clientX: x, clientY: y, pointerType }));

afterEach(() => {
  takePressed();
  vi.restoreAllMocks();
  document.body.replaceChildren();
});

test("what is pressed before the player is there is kept in its order and taken once", () => {
  keepPresses(picture);
  expect(press("m")).toBe(false);
  press("x");
  press(" ", { repeat: true });
  press("f");
  expect(takePressed()).toEqual(["mute", "fullscreen"]);
  expect(takePressed()).toEqual([]);
});

test("the player that took them hears by itself", () => {
  keepPresses(picture);
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
  keepPresses(picture);
  for (let time = 0; time < 100; time++) press("ArrowUp", { repeat: true });
  expect(takePressed()).toHaveLength(16);
});

test("on a page that began no picture nothing is kept", () => {
  press("m");
  expect(takePressed()).toEqual([]);
});

test("clicks are kept among the keys, with their place", () => {
  keepPresses(picture);
  click(30, 40, "mouse");
  press("m");
  click(50, 60, "touch");
  picture.dispatchEvent(new MouseEvent("dblclick"));
  expect(takePressed()).toEqual([{ x: 30, y: 40, touch: false }, "mute", { x: 50, y: 60, touch: true }, "fullscreen"]);
  click(30, 40, "mouse");
  expect(takePressed()).toEqual([]);
});

/** A page where this is met at every place. */
function page(met: Element): string[] {
  const heard: string[] = [];
  document.body.append(met);
  for (const type of ["pointerdown", "click"]) met.addEventListener(type, () => heard.push(type));
  document.elementFromPoint = () => met.firstElementChild ?? met;
  return heard;
}

test("a click goes to the control that stands there now", () => {
  const button = document.createElement("button");
  button.append(document.createElementNS("http://www.w3.org/2000/svg", "svg"));
  const heard = page(button);
  clickAgain({ x: 1, y: 1, touch: true });
  expect(heard).toEqual(["pointerdown", "click"]);
});

test("a click without a control is one on the picture, a finger's is not", () => {
  const heard = page(document.createElement("video"));
  clickAgain({ x: 1, y: 1, touch: true });
  expect(heard).toEqual([]);
  clickAgain({ x: 1, y: 1, touch: false });
  expect(heard).toEqual(["pointerdown", "click"]);
});
