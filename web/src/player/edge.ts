/** How much later than the soonest ever a sample may come before the estimate follows it, per sample. */
const DRIFT_MS = 4;

/**
 * The live edge as this browser sees it. Each arrival says "media up to this moment of the stream's clock is here";
 * the one that came soonest after its moment tells what the stream's clock shows now, without trusting that the
 * server's clock and ours agree. The estimate lets go slowly, so that it follows an encoder whose clock drifts.
 */
export class LiveEdge {
  /** Our clock minus the stream's at the live edge, milliseconds. */
  private aheadMs: number | null = null;

  /** Media up to `streamMs` arrived at `nowMs`. */
  arrived(streamMs: number, nowMs: number): void {
    const ahead = nowMs - streamMs;
    this.aheadMs = this.aheadMs === null ? ahead : Math.min(this.aheadMs + DRIFT_MS, ahead);
  }

  /** What the stream's clock shows at the live edge, milliseconds; null before the first arrival. */
  now(nowMs: number): number | null {
    return this.aheadMs === null ? null : nowMs - this.aheadMs;
  }
}
