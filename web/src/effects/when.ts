import { behindLive } from "../player/behind";
import type { Effect } from "./effect";

/** Nearer than this to live, an effect is drawn at once: everybody then laughs together. */
export const TOGETHER_S = 10;
/** Effects of a picture that jumped past them are not made up for. */
const MISSED_MS = 4000;
/** So many wait for a picture that is far behind. */
const MOST = 200;

/** Effects wait here until the picture reaches their moment. */
export class Cues {
  private waiting: Effect[] = [];

  constructor(
    private readonly draw: (effect: Effect) => void,
    private readonly now: () => number,
    private readonly behind: () => number | null = behindLive,
  ) {}

  hear(effect: Effect): void {
    const behind = this.behind();
    if (behind === null || behind <= TOGETHER_S) this.draw(effect);
    else this.waiting = [...this.waiting.slice(1 - MOST), effect];
  }

  /** A few times a second: what is due is drawn, what was jumped over is dropped. */
  tick(): void {
    if (this.waiting.length === 0) return;
    const wall = this.now() - (this.behind() ?? 0) * 1000;
    const due = this.waiting.filter((effect) => effect.wall <= wall);
    this.waiting = this.waiting.filter((effect) => effect.wall > wall);
    for (const effect of due) if (wall - effect.wall <= MISSED_MS) this.draw(effect);
  }

  get length(): number {
    return this.waiting.length;
  }
}
