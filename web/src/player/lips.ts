/**
 * Sound this far behind its picture, as buffered here, is let be. What comes before the buffer and after it adds some
 * 40 ms, and what is let be beside it MARGIN_MS: together less than the 185 ms that viewers accept (ITU-R BT.1359-1).
 */
const BEHIND_MS = 115;
/** Pictures are held from this much more on, and let go again from less; a shorter hold is none. */
const MARGIN_MS = 30;
/** Nobody waits longer than this for sound. */
const HOLD_MAX_MS = 2000;

/** How long pictures are to be held, now that sound is `behindMs` behind them and they are held `holdMs`. */
export function holdFor(behindMs: number, holdMs: number): number {
  const excess = behindMs - BEHIND_MS;
  if (excess >= 0 && excess < MARGIN_MS) return holdMs;
  const wished = Math.round(holdMs + excess / 2);
  return excess < 0 && wished < MARGIN_MS ? 0 : Math.min(HOLD_MAX_MS, wished);
}
