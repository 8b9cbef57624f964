import { useEffect, useRef } from "react";
import { hearKeys, type Action } from "./keys";
import { takePressed } from "./pressed";

/** Calls `act` for the player's keys once it is `ready`; first for those that were pressed before it was. */
export function useShortcuts(act: (action: Action) => void, ready: boolean): void {
  const latest = useRef(act);
  useEffect(() => {
    latest.current = act;
  });
  useEffect(() => {
    if (!ready) return undefined;
    takePressed().forEach((action) => latest.current(action));
    return hearKeys((action) => latest.current(action));
  }, [ready]);
}
