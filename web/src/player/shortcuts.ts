import { useEffect, useRef } from "react";
import { hearKeys, type Action } from "./keys";
import { clickAgain, takePressed } from "./pressed";

/** Calls `act` for the player's keys once it is `ready`; first come the keys and clicks of before it was. */
export function useShortcuts(act: (action: Action) => void, ready: boolean): void {
  const latest = useRef(act);
  useEffect(() => {
    latest.current = act;
  });
  useEffect(() => {
    if (!ready) return undefined;
    takePressed().forEach((press) => (typeof press === "string" ? latest.current(press) : clickAgain(press)));
    return hearKeys((action) => latest.current(action));
  }, [ready]);
}
