import { hearKeys, type Action } from "./keys";

/** More than a viewer presses while a page is being built. */
const KEPT = 16;

/** A click on the picture, at a place of the page. */
export type Click = { x: number; y: number; touch: boolean };

let pressed: (Action | Click)[] = [];
let leave: () => void = () => undefined;

/** Keeps what is pressed and clicked while the picture plays and the page around it is not there yet. */
export function keepPresses(picture: HTMLElement): void {
  leave();
  const gone = new AbortController();
  const { signal } = gone;
  const keep = (press: Action | Click) => pressed.length < KEPT && pressed.push(press);
  const deaf = hearKeys(keep);
  picture.addEventListener("click", ({ clientX: x, clientY: y, pointerType }) => keep({ x, y, touch: pointerType === "touch" }), { signal });
  picture.addEventListener("dblclick", () => keep("fullscreen"), { signal });
  leave = () => {
    deaf();
    gone.abort();
  };
}

/** What was pressed since, in its order, once; from here on the player hears by itself. */
export function takePressed(): (Action | Click)[] {
  leave();
  const taken = pressed;
  pressed = [];
  return taken;
}

/** Clicks on what is there now: a control, or the picture. A finger on the picture asked for controls alone. */
export function clickAgain({ x, y, touch }: Click): void {
  const met = document.elementFromPoint(x, y)?.closest<HTMLElement>("button, a, video");
  if (!met || (touch && met instanceof HTMLVideoElement)) return;
  // Menus open by the press itself.
  met.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true, cancelable: true }));
  met.click();
}
