/** Where HTTP-FLV is kept behind the newest frame, and from where on it hurries to get back there. */
export const TARGET_S = 0.2;
const BEHIND_S = 0.4;
/** Faster than this it is heard. */
const RATE_MAX = 1.5;

/** How fast HTTP-FLV is played `behindS` behind the newest frame, after `rate`, which holds between the two marks. */
export function paceBehindNewest(behindS: number, rate: number): number {
  if (behindS > BEHIND_S) return Math.min(RATE_MAX, 1 + behindS - TARGET_S);
  return behindS < TARGET_S ? 1 : rate;
}
