import Hls, { type ErrorData, type Fragment, type HlsConfig, type LevelDetails } from "hls.js";
import { headStartLoader } from "./hlsloader";
import type { Engine, EngineEvents, EngineFacts, Source, TakeAsked } from "./engine";
import { paceNearLive } from "./hlspace";

/** Playlist requests are tried again this long: a publisher's reconnect is not the viewer's problem. */
const PATIENCE_TRIES = 60;
const RETRY_MS = 400;

const patient = {
  default: {
    maxTimeToFirstByteMs: 15_000,
    maxLoadTimeMs: 20_000,
    timeoutRetry: { maxNumRetry: PATIENCE_TRIES, retryDelayMs: 0, maxRetryDelayMs: 0 },
    errorRetry: { maxNumRetry: PATIENCE_TRIES, retryDelayMs: RETRY_MS, maxRetryDelayMs: 2000, backoff: "linear" as const },
  },
};

const config: Partial<HlsConfig> = {
  // Our media are fMP4, which is passed on as it is: a worker would cost its start and a copy of every part.
  enableWorker: false,
  lowLatencyMode: true,
  maxLiveSyncPlaybackRate: 1.5,
  // A single stall is no reason to stay a whole second further behind.
  liveSyncOnStallIncrease: 0.2,
  backBufferLength: 30,
  maxBufferLength: 20,
  playlistLoadPolicy: patient,
  fragLoadPolicy: patient,
  capLevelToPlayerSize: false,
  testBandwidth: false,
  // The first fragment is fetched while the element is being attached.
  startFragPrefetch: true,
};

/** Below this hold-back hls.js never sees the second of buffer that it wants before it plays faster. */
const NEAR_S = 1;
const FOLLOW_MS = 100;

function dateOf(fragment: Fragment, time: number): number | null {
  return fragment.programDateTime === null ? null : fragment.programDateTime + (time - fragment.start) * 1000;
}

/** LL-HLS by hls.js: the default wherever Media Source Extensions are. */
export class HlsEngine implements Engine {
  readonly name = "hls";
  readonly seekable = true;
  private hls: Hls | null = null;
  private details: LevelDetails | null = null;
  private pendingSeek: number | null = null;
  private inDvr = false;
  private timer = 0;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly source: Source,
    private readonly events: EngineEvents,
    private readonly take: TakeAsked,
  ) {}

  start(): void {
    this.load(this.source.index);
    this.timer = window.setInterval(() => this.follow(), FOLLOW_MS);
  }

  /** Near the edge (the low preset) the picture is kept there by us, further off by hls.js. */
  private follow(): void {
    const { hls, details, video } = this;
    if (!hls || !details?.live || !details.partHoldBack || details.partHoldBack > NEAR_S || this.inDvr) return;
    hls.config.maxLiveSyncPlaybackRate = 1;
    const { buffered, currentTime } = video;
    const ahead = buffered.length ? buffered.end(buffered.length - 1) - currentTime : 0;
    const behind = hls.latency - (hls.targetLatency ?? 0);
    const rate = paceNearLive(behind, ahead);
    if (video.playbackRate !== rate) video.playbackRate = rate;
  }

  private load(url: string): void {
    this.hls?.destroy();
    this.details = null;
    const hls = new Hls({ ...config, loader: headStartLoader(this.take) });
    this.hls = hls;
    hls.on(Hls.Events.MANIFEST_PARSED, () => {
      this.events.onQualities(hls.levels.map((level, id) => ({ id: String(id), height: level.height, bitrate: level.bitrate })));
    });
    hls.on(Hls.Events.LEVEL_UPDATED, (_, data) => this.updated(data.details));
    hls.on(Hls.Events.ERROR, (_, data) => this.failed(hls, data));
    hls.loadSource(url);
    hls.attachMedia(this.video);
  }

  private updated(details: LevelDetails): void {
    this.details = details;
    this.noteEdge(details);
    if (this.pendingSeek !== null) {
      const moment = this.pendingSeek;
      this.pendingSeek = null;
      this.seekIn(details, moment);
    }
    if (!details.live) this.events.onEnd();
  }

  private failed(hls: Hls, data: ErrorData): void {
    if (!data.fatal) return;
    if (data.type === Hls.ErrorTypes.MEDIA_ERROR) hls.recoverMediaError();
    this.events.onFailure(data.type === Hls.ErrorTypes.NETWORK_ERROR ? "network" : "media");
  }

  destroy(): void {
    window.clearInterval(this.timer);
    this.video.playbackRate = 1;
    this.hls?.destroy();
    this.hls = null;
  }

  goLive(): void {
    this.pendingSeek = null;
    if (this.inDvr) {
      this.inDvr = false;
      this.load(this.source.index);
      return;
    }
    const live = this.hls?.liveSyncPosition;
    if (typeof live === "number") this.video.currentTime = live;
  }

  /** A playlist arrived: everything up to its end is there now. */
  private noteEdge(details: LevelDetails): void {
    const last = details.fragments.at(-1);
    const end = last ? dateOf(last, details.edge) : null;
    if (end !== null && details.live) this.events.onArrival(end);
  }

  playingMs(): number | null {
    if (this.video.readyState < 2) return null;
    const last = this.details?.fragments.at(-1);
    return this.hls?.playingDate?.getTime() ?? (last ? dateOf(last, this.video.currentTime) : null);
  }

  seekTo(streamMs: number): void {
    const { details } = this;
    const first = details?.fragments[0];
    const start = first ? dateOf(first, first.start) : null;
    if (details && (this.inDvr || (start !== null && streamMs >= start))) {
      this.seekIn(details, streamMs);
      return;
    }
    // Beyond the short playlist: the long one has it.
    this.pendingSeek = streamMs;
    if (this.inDvr) return;
    this.inDvr = true;
    this.load(this.source.dvr);
  }

  private seekIn(details: LevelDetails, streamMs: number): void {
    const fragment = details.fragments.findLast((each) => (each.programDateTime ?? Infinity) <= streamMs) ?? details.fragments[0];
    if (!fragment) return;
    const inside = Math.max(0, (streamMs - (fragment.programDateTime ?? streamMs)) / 1000);
    this.video.currentTime = fragment.start + Math.min(inside, fragment.duration);
  }

  pick(quality: string): void {
    const level = quality === "" ? -1 : Number(quality);
    if (this.hls && Number.isInteger(level)) this.hls.nextLevel = level; // the names of WebRTC's rungs are no numbers
  }

  facts(): EngineFacts {
    const level = this.hls?.levels[Math.max(0, this.hls.currentLevel)];
    const codecs = [level?.videoCodec, level?.audioCodec].filter(Boolean).join(", ");
    return { codecs, bitrate: level?.bitrate ?? 0 };
  }
}

