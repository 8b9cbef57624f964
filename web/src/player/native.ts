import type { Engine, EngineEvents, EngineFacts, Source } from "./engine";

/** WebKit's wall clock of media time zero. */
type DatedVideo = HTMLVideoElement & { getStartDate?: () => Date };

/** The browser's own HLS (Safari without Media Source Extensions). */
export class NativeEngine implements Engine {
  readonly name = "native";
  readonly seekable = true;
  private readonly stopped = new AbortController();

  constructor(
    private readonly video: DatedVideo,
    private readonly source: Source,
    private readonly events: EngineEvents,
  ) {}

  start(): void {
    const { signal } = this.stopped;
    this.video.addEventListener("error", () => this.events.onFailure(this.video.error?.code === 2 ? "network" : "media"), { signal });
    this.video.addEventListener("ended", () => this.events.onEnd(), { signal });
    this.events.onQualities([]);
    this.video.src = this.source.dvr;
  }

  destroy(): void {
    this.stopped.abort();
    this.video.removeAttribute("src");
    this.video.load();
  }

  goLive(): void {
    const { seekable } = this.video;
    if (seekable.length) this.video.currentTime = seekable.end(seekable.length - 1);
  }

  latencyS(): number | null {
    const zero = this.video.getStartDate?.().getTime();
    if (zero === undefined || Number.isNaN(zero)) return null;
    return (Date.now() - zero) / 1000 - this.video.currentTime;
  }

  seekBehind(seconds: number): void {
    const now = this.latencyS();
    if (now !== null) this.video.currentTime = Math.max(0, this.video.currentTime + now - seconds);
  }

  pick(): void {
    // The browser chooses among the renditions itself.
  }

  facts(): EngineFacts {
    return { codecs: "", bitrate: 0 };
  }
}

