/** Which rows of a long list are drawn. Everything is counted from the bottom, where the newest row stands. */
export type Span = {
  /** First drawn row and the one after the last. */
  start: number;
  end: number;
  /** Heights of what is not drawn above and below, in pixels. */
  above: number;
  below: number;
};

/** Drawn beyond both edges of the view, so that a quick scroll meets rows. */
const OVERSCAN_PX = 400;

/**
 * The rows that `viewPx` pixels show, whose lower edge is `fromBottomPx` above the list's bottom.
 * `heightOf` gives a row's measured or guessed height.
 */
export function spanOf(count: number, heightOf: (index: number) => number, fromBottomPx: number, viewPx: number): Span {
  const low = fromBottomPx - OVERSCAN_PX;
  const high = fromBottomPx + viewPx + OVERSCAN_PX;
  let bottom = 0;
  let end = count;
  while (end > 0 && bottom + heightOf(end - 1) <= low) bottom += heightOf(--end);
  let top = bottom;
  let start = end;
  while (start > 0 && top < high) top += heightOf(--start);
  let above = 0;
  for (let index = 0; index < start; index++) above += heightOf(index);
  return { start, end, above, below: bottom };
}

/** Remembers rows' heights by key and guesses those not seen yet by the mean of the others. */
export class Heights {
  private readonly known = new Map<string, number>();
  private sum = 0;

  constructor(private readonly guessPx: number) {}

  of(key: string): number {
    return this.known.get(key) ?? this.mean();
  }

  mean(): number {
    return this.known.size === 0 ? this.guessPx : this.sum / this.known.size;
  }

  /** Answers whether the height is news. */
  put(key: string, height: number): boolean {
    const before = this.known.get(key);
    if (before !== undefined && Math.abs(before - height) < 0.5) return false;
    this.sum += height - (before ?? 0);
    this.known.set(key, height);
    return true;
  }

  /** Forgets all rows but these; called now and then, not for each row that leaves. */
  keep(keys: Iterable<string>): void {
    const wanted = new Set(keys);
    for (const [key, height] of this.known) {
      if (wanted.has(key)) continue;
      this.known.delete(key);
      this.sum -= height;
    }
  }

  clear(): void {
    this.known.clear();
    this.sum = 0;
  }

  get size(): number {
    return this.known.size;
  }
}
