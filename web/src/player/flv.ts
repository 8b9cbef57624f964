import mpegts from "mpegts.js";
import type { Asked, Engine, EngineEvents, EngineFacts, Source, TakeAsked } from "./engine";
import { FlvClock } from "./flvclock";
import { paceBehindNewest, TARGET_S } from "./flvpace";

/** Further behind than this it jumps. */
const JUMP_S = 2;

function open(url: string): Asked {
  const stopped = new AbortController();
  return { answer: fetch(url, { signal: stopped.signal, credentials: "same-origin", cache: "no-store" }), stopped };
}

/** A loader that reads the response as it comes and shows each chunk to `clock` on its way. */
function loaderWith(take: TakeAsked, clock: FlvClock, onClosed: () => void): mpegts.CustomLoaderConstructor {
  return class Loader implements mpegts.BaseLoader {
    _status = 0;
    _needStash = false;
    readonly type = "madang-fetch";
    readonly needStashBuffer = false;
    onContentLengthKnown: mpegts.BaseLoader["onContentLengthKnown"] = () => undefined;
    onURLRedirect: mpegts.BaseLoader["onURLRedirect"] = () => undefined;
    onDataArrival: mpegts.BaseLoader["onDataArrival"] = () => undefined;
    onError: mpegts.BaseLoader["onError"] = () => undefined;
    onComplete: mpegts.BaseLoader["onComplete"] = () => undefined;
    private stopped = new AbortController();

    get status(): number {
      return this._status;
    }

    isWorking(): boolean {
      return this._status === 1 || this._status === 2;
    }

    open(source: mpegts.MediaSegment): void {
      this._status = 1;
      void this.read(source.url).catch(() => this.close());
    }

    private async read(url: string): Promise<void> {
      const opened = take(url) ?? open(url);
      this.stopped = opened.stopped;
      const response = await opened.answer;
      const reader = response.body?.getReader();
      if (!response.ok || !reader) {
        this.close();
        return;
      }
      this._status = 2;
      let received = 0;
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
        if (this.stopped.signal.aborted) return;
        clock.feed(piece.value);
        const start = received;
        received += piece.value.byteLength;
        this.onDataArrival(piece.value.buffer.slice(piece.value.byteOffset, piece.value.byteOffset + piece.value.byteLength), start, received);
      }
      this.close();
    }

    private close(): void {
      if (this.stopped.signal.aborted) return;
      this._status = 4;
      onClosed();
    }

    abort(): void {
      this._status = 4;
      this.stopped.abort();
    }

    destroy(): void {
      this.abort();
    }
  };
}

/** HTTP-FLV by mpegts.js: the shortest way to the live edge. */
export class FlvEngine implements Engine {
  readonly name = "flv";
  readonly seekable = false;
  private player: mpegts.Player | null = null;
  private timer = 0;
  private readonly clock: FlvClock;
  private told: EngineFacts = { codecs: "", bitrate: 0 };

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly source: Source,
    private readonly events: EngineEvents,
    private readonly take: TakeAsked,
  ) {
    this.clock = new FlvClock((timeMs) => events.onArrival(timeMs));
  }

  start(): void {
    mpegts.LoggingControl.applyConfig({ enableVerbose: false, enableInfo: false, enableDebug: false, enableWarn: false });
    const player = mpegts.createPlayer(
      { type: "flv", isLive: true, url: this.source.flv },
      {
        isLive: true,
        enableStashBuffer: false,
        lazyLoad: false,
        deferLoadAfterSourceOpen: false,
        autoCleanupSourceBuffer: true,
        autoCleanupMaxBackwardDuration: 30,
        autoCleanupMinBackwardDuration: 15,
        fixAudioTimestampGap: true,
        customLoader: loaderWith(this.take, this.clock, () => this.events.onFailure("network")),
      },
    );
    this.player = player;
    player.on(mpegts.Events.ERROR, (type: string) => this.events.onFailure(type === mpegts.ErrorTypes.MEDIA_ERROR ? "media" : "network"));
    player.on(mpegts.Events.MEDIA_INFO, (info: { videoCodec?: string; audioCodec?: string; height?: number }) => {
      this.told = { ...this.told, codecs: [info.videoCodec, info.audioCodec].filter(Boolean).join(", ") };
      this.events.onQualities([{ id: "0", height: info.height ?? 0, bitrate: 0 }]);
    });
    player.on(mpegts.Events.STATISTICS_INFO, ({ speed = 0 }: { speed?: number }) => {
      this.told = { ...this.told, bitrate: speed * 8 * 1000 };
    });
    player.attachMediaElement(this.video);
    player.load();
    this.timer = window.setInterval(() => this.follow(), 100);
  }

  /** Stays near the newest frame: faster when behind, a jump when far behind. */
  private follow(): void {
    const { buffered, paused, playbackRate } = this.video;
    if (!buffered.length || paused) return;
    const behind = buffered.end(buffered.length - 1) - this.video.currentTime;
    if (behind > JUMP_S) {
      this.goLive();
      return;
    }
    const rate = paceBehindNewest(behind, playbackRate);
    if (rate !== playbackRate) this.video.playbackRate = rate;
  }

  destroy(): void {
    window.clearInterval(this.timer);
    this.video.playbackRate = 1;
    this.player?.destroy();
    this.player = null;
  }

  goLive(): void {
    const { buffered } = this.video;
    if (buffered.length) this.video.currentTime = buffered.end(buffered.length - 1) - TARGET_S;
  }

  playingMs(): number | null {
    const { firstMs } = this.clock;
    return firstMs === null || this.video.readyState < 2 ? null : firstMs + this.video.currentTime * 1000;
  }

  seekTo(): void {
    this.goLive();
  }

  pick(): void {
    // One rung.
  }

  facts(): EngineFacts {
    return this.told;
  }
}

