/** Reads the times of FLV tags as they arrive, so that the latency of an HTTP-FLV picture can be measured. */

const HEADER = 9 + 4;
const TAG_HEADER = 11;
const BACK_POINTER = 4;
const AUDIO = 8;
const VIDEO = 9;

/** Whether a tag carries a picture or sound, not a decoder configuration (FLV 10.1 E.4, Enhanced RTMP v2). */
function isMedia(type: number, first: number, second: number): boolean {
  if (type === VIDEO) return first & 0x80 ? (first & 0x0f) === 1 || (first & 0x0f) === 3 : (first & 0x0f) < 7 || second === 1;
  if (type !== AUDIO) return false;
  const format = first >> 4;
  if (format === 9) return (first & 0x0f) === 1;
  return format !== 10 || second === 1;
}

/**
 * Walks the tag headers of one FLV response. `firstMs` is the time of the first frame, which mpegts.js makes its
 * media time zero; `onFrame` is told the time of each frame.
 */
export class FlvClock {
  firstMs: number | null = null;
  private readonly head = new Uint8Array(TAG_HEADER + 2);
  private filled = 0;
  private skip = HEADER;

  constructor(private readonly onFrame: (timeMs: number) => void) {}

  /** A chunk of the response, as it arrives. */
  feed(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.skip > 0) {
        const step = Math.min(this.skip, chunk.length - at);
        this.skip -= step;
        at += step;
        continue;
      }
      const step = Math.min(this.head.length - this.filled, chunk.length - at);
      this.head.set(chunk.subarray(at, at + step), this.filled);
      this.filled += step;
      at += step;
      if (this.filled === this.head.length) this.tag();
    }
  }

  private tag(): void {
    const byte = (index: number) => this.head[index] ?? 0;
    const size = (byte(1) << 16) | (byte(2) << 8) | byte(3);
    const time = ((byte(4) << 16) | (byte(5) << 8) | byte(6) | (byte(7) << 24)) >>> 0;
    // The two bytes read beyond the header belong to the body, or to the back pointer of a body that is shorter.
    this.skip = Math.max(0, size + BACK_POINTER - 2);
    this.filled = 0;
    if (size < 2 || !isMedia(byte(0) & 0x1f, byte(11), byte(12))) return;
    this.firstMs = this.firstMs === null ? time : Math.min(this.firstMs, time);
    this.onFrame(time);
  }
}
