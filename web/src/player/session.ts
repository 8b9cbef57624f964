import { takeAsked } from "./early";
import { LiveEdge } from "./edge";
import type { Engine, EngineEvents, EngineFacts, EngineFailure, EngineName, Quality, Source } from "./engine";

/** What the controls show. It follows the media element and the engine and is never ahead of them. */
export type Playback = {
  engine: EngineName | null;
  /** `idle`: nothing to play; `starting`: no frame yet; `stalled`: the buffer is empty. */
  phase: "idle" | "starting" | "playing" | "stalled" | "failed";
  failure: EngineFailure | null;
  paused: boolean;
  muted: boolean;
  volume: number;
  /** Muted by the browser's autoplay rule, not by somebody. */
  hushed: boolean;
  /** Seconds behind the live edge by the wall clock; null where unknown. */
  latencyS: number | null;
  /** Nobody asked to be anywhere but at the live edge. */
  following: boolean;
  seekable: boolean;
  qualities: Quality[];
  quality: string;
  height: number;
  inPicture: boolean;
};

export type Wishes = { engine: EngineName; muted: boolean; volume: number; quality: string };

const silent: Playback = {
  engine: null,
  phase: "idle",
  failure: null,
  paused: true,
  muted: true,
  volume: 1,
  hushed: false,
  latencyS: null,
  following: true,
  seekable: false,
  qualities: [],
  quality: "",
  height: 0,
  inPicture: false,
};

const TICK_MS = 250;
/** A hole in the buffer (the publisher was away) is jumped when the picture stands before it. */
const HOLE_S = 0.05;
/** A viewer who follows live and fell this far behind (a sleeping tab, a stall) is brought back; no engine runs faster from here. */
const LOST_S = 5;
/** The browser's own player may keep three segments to the edge. */
const LOST_NATIVE_S = 8;
/** A machine that cannot keep up is not sent to and fro. */
const RESCUE_EVERY_MS = 10_000;
/** Nearer than this to live is live. */
const NEAR_LIVE_S = 3;
const RETRY_FIRST_MS = 300;
const RETRY_MAX_MS = 3000;
const MEDIA_FAILURES = 4;

function tenths(seconds: number): number {
  return Math.max(0, Math.round(seconds * 10) / 10);
}

/** Loads an engine; each is a chunk of its own. */
async function engineFor(name: EngineName, video: HTMLVideoElement, source: Source, events: EngineEvents): Promise<Engine> {
  if (name === "webrtc") return new (await import("./webrtc")).WebRtcEngine(video, source, events);
  if (name === "flv") return new (await import("./flv")).FlvEngine(video, source, events, takeAsked);
  if (name === "native") return new (await import("./native")).NativeEngine(video, source, events);
  return new (await import("./hls")).HlsEngine(video, source, events, takeAsked);
}

/** The engine to use: the wished one where the browser has Media Source Extensions, else its own HLS. */
export function engineThatWorks(wished: EngineName): EngineName | null {
  if (wished === "webrtc") return "RTCPeerConnection" in window ? wished : engineThatWorks("hls");
  const mse = "MediaSource" in window || "ManagedMediaSource" in window;
  if (mse && (wished !== "flv" || "MediaSource" in window)) return wished === "native" ? "hls" : wished;
  if (mse) return "hls";
  return document.createElement("video").canPlayType("application/vnd.apple.mpegurl") ? "native" : null;
}

/** One viewer's playback of one channel: owns the engine, starts it again when it fails, and reports. */
export class PlaybackSession {
  private state: Playback;
  private readonly listeners = new Set<() => void>();
  /** The element of the whole session; it may move in the document without a stop. */
  readonly video = document.createElement("video");
  private attached = 0;
  private detach: () => void = () => undefined;
  private engine: Engine | null = null;
  private source: Source | null = null;
  private edge = new LiveEdge();
  private run = 0;
  private retries = 0;
  private mediaFailures = 0;
  /** WebRTC did not get through to here: LL-HLS plays instead, until somebody chooses again. */
  private fallen = false;
  private retryTimer = 0;
  private rescueAt = 0;

  constructor(private wishes: Wishes) {
    this.state = { ...silent, muted: wishes.muted, volume: wishes.volume, quality: wishes.quality };
    this.video.playsInline = true;
    this.video.className = "size-full object-contain";
    this.video.volume = wishes.volume;
    this.video.muted = wishes.muted;
  }

  /** Follows the element, until the answer is called. Whoever attaches last has it; the former's answer does nothing. */
  attach(): () => void {
    const { video } = this;
    const turn = ++this.attached;
    this.detach();
    const gone = new AbortController();
    this.follow(video, gone.signal);
    const timer = window.setInterval(() => this.tick(video), TICK_MS);
    this.detach = () => {
      window.clearInterval(timer);
      gone.abort();
    };
    return () => {
      if (turn !== this.attached) return;
      this.detach();
      this.stop();
    };
  }

  snapshot = (): Playback => this.state;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private set(change: Partial<Playback>): void {
    const differs = (Object.keys(change) as (keyof Playback)[]).some((key) => this.state[key] !== change[key]);
    if (!differs) return;
    this.state = { ...this.state, ...change };
    this.listeners.forEach((listener) => listener());
  }

  private follow(video: HTMLVideoElement, signal: AbortSignal): void {
    const on = (names: string[], handle: () => void) =>
      names.forEach((name) => video.addEventListener(name, handle, { signal }));
    on(["play", "pause"], () => this.set({ paused: video.paused }));
    on(["volumechange"], () => this.set({ muted: video.muted, volume: video.volume, hushed: this.state.hushed && video.muted }));
    on(["waiting"], () => this.state.phase === "playing" && this.set({ phase: "stalled" }));
    on(["playing", "timeupdate"], () => this.moving(video));
    on(["resize"], () => this.set({ height: video.videoHeight }));
    on(["enterpictureinpicture"], () => this.set({ inPicture: true }));
    on(["leavepictureinpicture"], () => this.set({ inPicture: false }));
  }

  private moving(video: HTMLVideoElement): void {
    if (!this.engine || video.readyState < 2 || video.seeking) return;
    this.retries = 0;
    this.set({ phase: "playing", failure: null, height: video.videoHeight });
  }

  /** Play this source; the same source again changes nothing. */
  play(source: Source): void {
    if (this.source?.slug === source.slug && this.state.phase !== "idle") return;
    this.source = source;
    this.mediaFailures = 0;
    this.begin();
  }

  private begin(): void {
    this.halt();
    const run = ++this.run;
    const name = engineThatWorks(this.fallen ? "hls" : this.wishes.engine);
    const { video } = this;
    if (!this.source || name === null) {
      this.set({ phase: "failed", failure: "unsupported" });
      return;
    }
    this.set({ phase: "starting", failure: null, engine: name, following: true, latencyS: null });
    const edge = new LiveEdge();
    this.edge = edge;
    const events: EngineEvents = {
      onArrival: (streamMs) => edge.arrived(streamMs, Date.now()),
      onFailure: (failure) => run === this.run && this.fail(failure),
      onEnd: () => undefined,
      onQualities: (qualities) => run === this.run && this.set({ qualities }),
    };
    engineFor(name, video, this.source, events).then(
      (engine) => {
        if (run !== this.run) return;
        this.engine = engine;
        this.set({ seekable: engine.seekable });
        engine.start();
        if (this.wishes.quality) engine.pick(this.wishes.quality);
        this.resume(video);
      },
      () => run === this.run && this.fail("network"),
    );
  }

  /** Starts the element; where the browser forbids sound before a gesture, without sound. */
  private resume(video: HTMLVideoElement): void {
    video.play().catch((error: unknown) => {
      if (!(error instanceof DOMException) || error.name !== "NotAllowedError" || video.muted) return;
      video.muted = true;
      this.set({ hushed: true });
      video.play().catch(() => undefined);
    });
  }

  private fail(failure: EngineFailure): void {
    if (failure === "unreachable") {
      this.fallen = true;
      this.begin();
      return;
    }
    if (failure === "media" && ++this.mediaFailures > MEDIA_FAILURES) {
      this.halt();
      this.set({ phase: "failed", failure });
      return;
    }
    const wait = Math.min(RETRY_FIRST_MS * 2 ** this.retries++, RETRY_MAX_MS) * (0.75 + Math.random() / 2);
    window.clearTimeout(this.retryTimer);
    this.retryTimer = window.setTimeout(() => this.begin(), wait);
    this.set({ failure, phase: this.state.phase === "playing" ? "stalled" : "starting" });
  }

  private halt(): void {
    window.clearTimeout(this.retryTimer);
    this.run++;
    this.engine?.destroy();
    this.engine = null;
  }

  /** The broadcast is over: nothing to play until `play` is called again. */
  stop(): void {
    this.halt();
    this.source = null;
    this.set({ phase: "idle", failure: null, latencyS: null, qualities: [] });
  }

  private tick(video: HTMLVideoElement): void {
    if (!this.engine) return;
    this.jumpHole(video);
    const now = this.edge.now(Date.now());
    const playing = this.engine.playingMs();
    // On the way to another moment the wished one is shown, not none.
    if (playing === null && !this.state.following) return;
    const latencyS = now === null || playing === null ? null : tenths((now - playing) / 1000);
    this.set({ latencyS });
    const moves = this.state.phase === "playing" && !video.paused;
    const lost = latencyS !== null && latencyS > (this.engine.name === "native" ? LOST_NATIVE_S : LOST_S);
    if (!lost || !moves || !this.state.following || performance.now() < this.rescueAt) return;
    this.rescueAt = performance.now() + RESCUE_EVERY_MS;
    this.engine.goLive();
  }

  private jumpHole(video: HTMLVideoElement): void {
    if (video.paused || video.seeking || video.readyState > 2) return;
    const { buffered, currentTime } = video;
    for (let index = 0; index < buffered.length; index++) {
      const start = buffered.start(index);
      if (start > currentTime + HOLE_S) {
        video.currentTime = start + 0.01;
        return;
      }
    }
  }

  /** Play or pause, as the viewer wants. A pause leaves the live edge. */
  toggle(): void {
    if (this.video.paused) {
      this.resume(this.video);
      return;
    }
    this.video.pause();
    this.set({ following: false });
  }

  goLive(): void {
    this.set({ following: true });
    this.engine?.goLive();
    this.resume(this.video);
  }

  /** To `seconds` behind the live edge. */
  seekBehind(seconds: number): void {
    if (seconds < NEAR_LIVE_S) {
      this.goLive();
      return;
    }
    this.set({ following: false, latencyS: tenths(seconds) });
    const now = this.edge.now(Date.now());
    if (now !== null) this.engine?.seekTo(now - seconds * 1000);
    this.resume(this.video);
  }

  setVolume(volume: number): void {
    this.video.volume = Math.min(1, Math.max(0, volume));
    this.video.muted = this.video.volume === 0;
  }

  setMuted(muted: boolean): void {
    this.video.muted = muted;
    if (!muted && this.video.volume === 0) this.video.volume = 0.5;
  }

  pick(quality: string): void {
    this.wishes = { ...this.wishes, quality };
    this.engine?.pick(quality);
    this.set({ quality });
  }

  use(engine: EngineName): void {
    this.wishes = { ...this.wishes, engine };
    this.mediaFailures = 0;
    this.fallen = false;
    if (this.source) this.begin();
  }

  facts(): EngineFacts {
    return this.engine?.facts() ?? { codecs: "", bitrate: 0 };
  }
}
