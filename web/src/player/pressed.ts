import { hearKeys, type Action } from "./keys";

/** More than a viewer presses while a page is being built. */
const KEPT = 16;

let pressed: Action[] = [];
let leave: () => void = () => undefined;

/** Keeps what is pressed while the picture plays and the page around it is not there yet. */
export function keepPresses(): void {
  leave();
  leave = hearKeys((action) => pressed.length < KEPT && pressed.push(action));
}

/** What was pressed since, in its order, once; from here on the player hears by itself. */
export function takePressed(): Action[] {
  leave();
  const taken = pressed;
  pressed = [];
  return taken;
}
