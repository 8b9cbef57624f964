import { useEffect, useState, useSyncExternalStore } from "react";
import { preferences, prefer } from "../store/preferences";
import { PlaybackSession, type Playback } from "./session";

/** A playback for one player; remembers volume and sound, unless it has to be silent. */
export function usePlayback(silent: boolean): { session: PlaybackSession; state: Playback } {
  const [session] = useState(() => {
    const { engine = "hls", muted = false, volume = 1, quality = "" } = preferences();
    return new PlaybackSession({ engine, muted: muted || silent, volume, quality });
  });
  const state = useSyncExternalStore(session.subscribe, session.snapshot);
  const { phase, hushed, muted, volume } = state;
  useEffect(() => {
    // The browser's own muting is not somebody's choice.
    if (phase !== "playing" || hushed || silent) return;
    const kept = preferences();
    if (kept.volume !== volume || kept.muted !== muted) prefer({ volume, muted });
  }, [phase, hushed, muted, volume, silent]);
  return { session, state };
}
