/** What the keys of the player do. */
export type Action =
  | "play"
  | "mute"
  | "fullscreen"
  | "theatre"
  | "statistics"
  | "pip"
  | "live"
  | "help"
  | "back"
  | "forth"
  | "louder"
  | "quieter";

const keys: Record<string, Action> = {
  " ": "play",
  k: "play",
  m: "mute",
  f: "fullscreen",
  t: "theatre",
  i: "statistics",
  p: "pip",
  l: "live",
  "?": "help",
  ArrowLeft: "back",
  ArrowRight: "forth",
  ArrowUp: "louder",
  ArrowDown: "quieter",
};

/** Korean keyboards send letters of Hangul: the same keys by their place. */
const places: Record<string, Action> = { KeyK: "play", KeyM: "mute", KeyF: "fullscreen", KeyT: "theatre", KeyI: "statistics", KeyP: "pip", KeyL: "live" };

/** The action of a key press, or null where the key belongs to somebody else: a field, a menu, a button's space. */
export function actionOf(event: KeyboardEvent): Action | null {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return null;
  const target = event.target instanceof Element ? event.target : null;
  if (target?.closest("input:not([type=range]), textarea, select, [contenteditable], dialog, [role=menu]")) return null;
  if (target?.closest("input[type=range]") && event.key.startsWith("Arrow")) return null;
  if (target?.closest("button, a, summary, [role=button]") && (event.key === " " || event.key === "Enter")) return null;
  return keys[event.key] ?? keys[event.key.toLowerCase()] ?? places[event.code] ?? null;
}

/** Tells each action of the keyboard, wherever the focus is on the page, until the answer is called. */
export function hearKeys(act: (action: Action) => void): () => void {
  const press = (event: KeyboardEvent) => {
    const action = actionOf(event);
    if (action === null || (event.repeat && !event.key.startsWith("Arrow"))) return;
    event.preventDefault();
    act(action);
  };
  addEventListener("keydown", press);
  return () => removeEventListener("keydown", press);
}
