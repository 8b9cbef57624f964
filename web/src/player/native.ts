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
    // Its arrivals cannot be seen: the server's clock is taken to agree with ours.
    this.video.addEventListener("progress", () => this.events.onArrival(Date.now()), { signal });
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

  playingMs(): number | null {
    const zero = this.video.getStartDate?.().getTime();
    return zero === undefined || Number.isNaN(zero) ? null : zero + this.video.currentTime * 1000;
  }

  seekTo(streamMs: number): void {
    const playing = this.playingMs();
    if (playing !== null) this.video.currentTime = Math.max(0, this.video.currentTime + (streamMs - playing) / 1000);
  }

  pick(): void {
    // The browser chooses among the renditions itself.
  }

  facts(): EngineFacts {
    return { codecs: "", bitrate: 0 };
  }
}

