/** How fast the picture is played, so that it stays as near to live as it should and never runs out of what to play. */

/** Faster than this it is heard. */
const RATE_MAX = 1.5;
/** Nearer to where it should be than this nothing is done: live latency is not known better. */
const NEAR_S = 0.05;

/** LL-HLS in parts below a second: with less than this to play nothing is hurried. */
const RESERVE_S = 0.3;
/** Further behind than this one is somewhere else on purpose, or brought back by a jump. */
const LOST_S = 5;
/** Of what there is to play beyond the reserve, as much more is played in a second. */
const HURRY_PER_S = 0.5;

/**
 * For LL-HLS with a short hold-back: `behindS` behind where it should be, with `aheadS` to play. The rate follows both,
 * so that the nearer the end of what is here, the less it hurries.
 */
export function paceNearLive(behindS: number, aheadS: number): number {
  const spareS = Math.min(behindS, aheadS - RESERVE_S);
  if (behindS <= NEAR_S || behindS >= LOST_S || spareS <= 0) return 1;
  return stepped(1 + Math.max(HURRY_PER_S * spareS, NEAR_S));
}

/** Where HTTP-FLV is kept behind the newest frame, and from where on it hurries to get back there. */
export const FLV_TARGET_S = 0.2;
const FLV_BEHIND_S = 0.4;

/** For HTTP-FLV: `behindS` behind the newest frame, at the rate of before, which holds between the two marks. */
export function paceOfFlv(behindS: number, rate: number): number {
  if (behindS > FLV_BEHIND_S) return Math.min(RATE_MAX, 1 + behindS - FLV_TARGET_S);
  return behindS < FLV_TARGET_S ? 1 : rate;
}

/** In twentieths: a rate that changes with every look at the clock is work for the browser's sound. */
function stepped(rate: number): number {
  return Math.min(RATE_MAX, Math.round(rate * 20) / 20);
}
