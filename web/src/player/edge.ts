/** Arrivals this old no longer tell where the edge is: long enough to outlast a burst, short enough for a starved encoder. */
const WINDOW_MS = 5000;

/**
 * The live edge as this browser sees it. Each arrival says "media up to this moment of the stream's clock is here";
 * of the last seconds, the one that came soonest after its moment tells what the stream's clock shows now, without
 * trusting that the server's clock and ours agree or that the encoder's runs as fast.
 */
export class LiveEdge {
  /** Our clock minus the stream's at the live edge, milliseconds: the least of this window and of the one before. */
  private least = Infinity;
  private before = Infinity;
  private windowAt = -Infinity;

  /** Media up to `streamMs` arrived at `nowMs`. */
  arrived(streamMs: number, nowMs: number): void {
    if (nowMs - this.windowAt > WINDOW_MS) {
      this.before = this.least;
      this.least = Infinity;
      this.windowAt = nowMs;
    }
    this.least = Math.min(this.least, nowMs - streamMs);
  }

  /** What the stream's clock shows at the live edge, milliseconds; null before the first arrival. */
  now(nowMs: number): number | null {
    const ahead = Math.min(this.least, this.before);
    return ahead === Infinity ? null : nowMs - ahead;
  }
}
