/** A beat that goes on while the page is hidden, where the page's own timers sleep. */
export class Ticker {
  private readonly worker: Worker;

  constructor(everyMs: number, onTick: () => void) {
    this.worker = new Worker(new URL("./beat.ts", import.meta.url), { type: "module" });
    this.worker.onmessage = onTick;
    this.worker.postMessage(everyMs);
  }

  stop(): void {
    this.worker.terminate();
  }
}
