/**
 * Sound this far behind its picture, as buffered here, is let be. What comes before the buffer and after it adds some
 * 40 ms; viewers accept 185 ms (ITU-R BT.1359-1).
 */
const BEHIND_MS = 120;
/** Differences that are not worth a change. */
const MARGIN_MS = 30;
/** Nobody waits longer than this for sound. */
const HOLD_MAX_MS = 2000;

/** How long pictures are to be held, now that sound is `behindMs` behind them and they are held `holdMs`. */
export function holdFor(behindMs: number, holdMs: number): number {
  const excess = behindMs - BEHIND_MS;
  if (Math.abs(excess) < MARGIN_MS) return holdMs;
  const wished = Math.round(holdMs + excess / 2);
  return wished < MARGIN_MS && excess < 0 ? 0 : Math.min(HOLD_MAX_MS, Math.max(0, wished));
}
