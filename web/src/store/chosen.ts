import type { Language } from "../i18n";

/** What a visitor chose on this device; absent where nothing was chosen. `boot.js` reads the same record. */
export type Preferences = {
  theme?: "light" | "dark";
  language?: Language;
  engine?: "hls" | "flv" | "webrtc";
  volume?: number;
  muted?: boolean;
  quality?: string;
  theatre?: boolean;
  chat?: "hidden";
  chatSize?: "s" | "l";
  chatTimes?: boolean;
  /** Every message is shown, even more than can be read. */
  chatAll?: boolean;
  effects?: "off";
  nick?: string;
  emoji?: string[];
};

const KEY = "madang.preferences";
const listeners = new Set<() => void>();
let current: Preferences = read();

function read(): Preferences {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return typeof stored === "object" && stored !== null ? stored : {};
  } catch {
    return {};
  }
}

/** Changes some choices; `undefined` takes one back. Without storage (an embed) they last as long as the page. */
export function prefer(change: { [K in keyof Preferences]?: Preferences[K] }): void {
  current = Object.fromEntries(Object.entries<unknown>({ ...current, ...change }).filter(([, value]) => value !== undefined));
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // Storage is denied to third-party frames: the choice holds for this page.
  }
  listeners.forEach((listener) => listener());
}

export function preferences(): Preferences {
  return current;
}

/** How loud a picture is for this visitor. */
export function loudness(): { volume: number; muted: boolean } {
  return { volume: current.volume ?? 1, muted: current.muted ?? false };
}

/** Calls `listener` after every change, in this page or in another one, until the answer is called. */
export function followPreferences(listener: () => void): () => void {
  const reload = () => {
    current = read();
    listener();
  };
  listeners.add(listener);
  addEventListener("storage", reload);
  return () => {
    listeners.delete(listener);
    removeEventListener("storage", reload);
  };
}
