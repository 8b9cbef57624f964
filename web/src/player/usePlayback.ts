import { useEffect, useState, useSyncExternalStore } from "react";
import { preferences, prefer } from "../store/preferences";
import { newSession, takeBegun } from "./begin";
import type { Playback, PlaybackSession } from "./session";

/** A playback of one channel, begun already or new; remembers volume and sound, unless it has to be silent. */
export function usePlayback(slug: string, silent: boolean): { session: PlaybackSession; state: Playback } {
  const [session] = useState(() => takeBegun(slug, silent) ?? newSession(silent));
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
