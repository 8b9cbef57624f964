import { useCallback, useEffect, useRef, useState } from "react";

/** Controls, mark and count leave the picture after this. */
const LEAVE_MS = 3000;

/** Whether the chrome is on the picture: after a move, a touch or a key, while paused, and while `held`. */
export function useChrome(element: HTMLElement | null, held: boolean): { shown: boolean; stir: () => void; leave: () => void } {
  const [stirred, setStirred] = useState(true);
  const timer = useRef(0);
  const restart = useCallback(() => {
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setStirred(false), LEAVE_MS);
  }, []);
  const stir = useCallback(() => {
    setStirred(true);
    restart();
  }, [restart]);
  const leave = useCallback(() => setStirred(false), []);
  useEffect(() => {
    if (!element) return undefined;
    restart();
    const mouse = (event: PointerEvent) => event.pointerType === "mouse" && stir();
    const out = (event: PointerEvent) => event.pointerType === "mouse" && setStirred(false);
    element.addEventListener("pointermove", mouse);
    element.addEventListener("pointerleave", out);
    element.addEventListener("keydown", stir);
    element.addEventListener("focusin", stir);
    return () => {
      window.clearTimeout(timer.current);
      element.removeEventListener("pointermove", mouse);
      element.removeEventListener("pointerleave", out);
      element.removeEventListener("keydown", stir);
      element.removeEventListener("focusin", stir);
    };
  }, [element, restart, stir]);
  return { shown: stirred || held, stir, leave };
}
