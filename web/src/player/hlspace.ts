/** Nearer to where it should be than this nothing is done: how late the picture is, is not known better. */
const NEAR_S = 0.05;
/** With less than this to play nothing is hurried. */
const RESERVE_S = 0.3;
/** Further behind than this one is somewhere else on purpose, or brought back by a jump. */
const LOST_S = 5;
/** Of what there is to play beyond the reserve, so much more is played in a second. */
const HURRY_PER_S = 0.5;
/** Faster than this it is heard. */
const RATE_MAX = 1.5;

/**
 * How fast LL-HLS with a short hold-back is played: `behindS` behind where it should be, with `aheadS` to play. The
 * rate follows both, so that it hurries the less, the nearer the end of what is here.
 */
export function paceNearLive(behindS: number, aheadS: number): number {
  const spareS = Math.min(behindS, aheadS - RESERVE_S);
  if (behindS <= NEAR_S || behindS >= LOST_S || spareS <= 0) return 1;
  // In twentieths: a rate that changes with every look at the clock is work for the browser's sound.
  return Math.min(RATE_MAX, Math.round((1 + Math.max(HURRY_PER_S * spareS, NEAR_S)) * 20) / 20);
}
