import { useEffect, useState, useSyncExternalStore } from "react";
import { loudness, prefer } from "../store/preferences";
import { newSession, takeBegun } from "./begin";
import type { Playback, PlaybackSession } from "./session";

/** A playback of one channel, begun already or new; remembers volume and sound, unless it has to be silent. */
export function usePlayback(slug: string, silent: boolean): { session: PlaybackSession; state: Playback } {
  const [session] = useState(() => takeBegun(slug, silent) ?? newSession(silent));
  const state = useSyncExternalStore(session.subscribe, session.snapshot);
  const { hushed, muted, volume } = state;
  useEffect(() => {
    // The browser's own muting is not somebody's choice.
    if (hushed || silent) return;
    const kept = loudness();
    if (kept.volume !== volume || kept.muted !== muted) prefer({ volume, muted });
  }, [hushed, muted, volume, silent]);
  return { session, state };
}
