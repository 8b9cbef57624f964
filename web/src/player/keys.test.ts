import { expect, test } from "vitest";
import { actionOf } from "./keys";

function press(key: string, target: HTMLElement = document.body, init: KeyboardEventInit = {}) {
  let action: ReturnType<typeof actionOf> = null;
  const hear = (event: KeyboardEvent) => (action = actionOf(event));
  document.body.append(target === document.body ? document.createElement("i") : target);
  document.addEventListener("keydown", hear, { once: true });
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...init }));
  return action;
}

test.each([
  [" ", "play"],
  ["m", "mute"],
  ["F", "fullscreen"],
  ["t", "theatre"],
  ["i", "statistics"],
  ["ArrowLeft", "back"],
  ["ArrowUp", "louder"],
  ["?", "help"],
])("%s", (key, action) => {
  expect(press(key)).toBe(action);
});

test("a Korean keyboard's letter counts by its place", () => {
  expect(press("ㅡ", document.body, { code: "KeyM" })).toBe("mute");
});

test("typing is typing", () => {
  expect(press("m", document.createElement("input"))).toBeNull();
});

test("space presses the button that has the focus", () => {
  expect(press(" ", document.createElement("button"))).toBeNull();
});

test("the browser's own shortcuts stay its own", () => {
  expect(press("f", document.body, { ctrlKey: true })).toBeNull();
});
