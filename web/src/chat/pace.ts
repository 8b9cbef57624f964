/** How many plain messages a reader can follow in a second; above, a sample is shown. */
export const READABLE_PER_S = 14;
/** So many at once are still let through after a quiet moment. */
const BURST = 40;
/** The rate is that of about the last two seconds. */
const WINDOW_MS = 2000;
/** Somebody is told only of a real rush. */
const RUSH_PER_S = READABLE_PER_S * 1.5;

/** How fast the room talks, and how much of it may still be shown. */
export type Pace = { tokens: number; at: number; perS: number };

export const calm: Pace = { tokens: BURST, at: 0, perS: 0 };

/** After one more message at `now` (ms): the new pace, and whether a reader can still take it in. */
export function paced(pace: Pace, now: number): { pace: Pace; shown: boolean } {
  const gap = Math.max(0, now - pace.at);
  const tokens = Math.min(BURST, pace.tokens + (gap * READABLE_PER_S) / 1000);
  const shown = tokens >= 1;
  const perS = pace.perS * Math.exp(-gap / WINDOW_MS) + 1000 / WINDOW_MS;
  return { pace: { tokens: shown ? tokens - 1 : tokens, at: Math.max(now, pace.at), perS }, shown };
}

/** Messages a second while the room is in a rush, else 0. */
export function rush(pace: Pace, now: number): number {
  const perS = pace.perS * Math.exp(-Math.max(0, now - pace.at) / WINDOW_MS);
  return perS >= RUSH_PER_S ? Math.round(perS) : 0;
}
