import { holdFor } from "./lips";
import { relaysOf } from "./relays";
import type { Engine, EngineEvents, EngineFacts, Quality, Source } from "./engine";

/** A peer that is not connected by then is behind something that lets neither UDP nor TCP through. */
const CONNECT_MS = 5000;
/** An offer that is not answered by then is posted again. */
const ANSWER_MS = 10_000;
/** A connection that was lost may come back by itself for so long. */
const LOST_MS = 3000;
const LOOK_MS = 500;

/** `refused`: the server said no; `away`: the channel is not live, or the server is busy. */
type Refusal = "refused" | "away";

class Refused extends Error {
  constructor(readonly why: Refusal) {
    super(why);
  }
}

/** Chromium plays one channel of Opus unless its offer says otherwise. */
function inStereo(sdp: string): string {
  const opus = /a=rtpmap:(\d+) opus\/48000\/2/i.exec(sdp)?.[1];
  return opus ? sdp.replace(new RegExp(`(a=fmtp:${opus} [^\\r\\n]*)`), "$1;stereo=1;sprop-stereo=1") : sdp;
}

/**
 * Sound in a stream of its own. A browser that finds both in one holds every picture back until its sound has come
 * through the sound's far larger buffer; how much later sound may come is watched here instead (`lips.ts`).
 */
function apart(sdp: string): string {
  return sdp.replace(/(msid:)\S+( audio)/g, "$1sound$2");
}

/** A peer connection to the server whose offer is on its way, and whose answer is set as soon as it has come. */
type Begun = { url: string; connection: RTCPeerConnection; answer: Promise<Response>; set: Promise<void> };

/** What `boot.js` does as well, for the first picture of a page. */
function begin(url: string, iceServers: RTCIceServer[]): Begun {
  const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers });
  for (const kind of ["video", "audio"]) connection.addTransceiver(kind, { direction: "recvonly" });
  const answer = post(connection, url);
  const set = follow(connection, answer);
  set.catch(() => undefined);
  return { url, connection, answer, set };
}

async function post(connection: RTCPeerConnection, url: string): Promise<Response> {
  const offer = await connection.createOffer();
  const sdp = inStereo(offer.sdp ?? "");
  // The server is ICE-lite: it learns our addresses from our checks, none has to be gathered first.
  connection.setLocalDescription({ type: "offer", sdp }).catch(() => undefined);
  return fetch(url, { method: "POST", headers: { "Content-Type": "application/sdp" }, body: sdp });
}

async function follow(connection: RTCPeerConnection, answered: Promise<Response>): Promise<void> {
  const answer = await answered;
  if (answer.ok) await connection.setRemoteDescription({ type: "answer", sdp: apart(await answer.text()) });
}

const LAYERS = /<([^>]+)>;\s*rel="urn:ietf:params:whep:ext:core:layer"/;

/** The sizes of the picture, where its publisher sends several, and the choice between them: WHEP's layer extension. */
class Layers {
  found: Quality[] = [];
  private wished = "";
  private seen = 0;

  constructor(private readonly url: string) {}

  /** Asks again where the picture is of another height than before. */
  async look(height: number): Promise<void> {
    if (this.url === "" || height === 0 || height === this.seen) return;
    this.seen = height;
    const answer = await fetch(this.url).catch(() => null);
    if (!answer?.ok) return;
    const told = (await answer.json()) as Record<string, { active: { id: string; height: number }[] }>;
    this.found = Object.values(told).flatMap(({ active }) => active.map(({ id, height: high }) => ({ id, height: high, bitrate: 0 })));
    if (this.wished !== "") this.pick(this.wished);
  }

  /** Stays with one from now on; with none, what gets through. */
  pick(encodingId: string): void {
    const changed = encodingId !== "" || this.wished !== "";
    this.wished = encodingId;
    if (this.url === "" || !changed || (encodingId !== "" && !this.found.some(({ id }) => id === encodingId))) return;
    const body = JSON.stringify(encodingId === "" ? {} : { encodingId });
    void fetch(this.url, { method: "POST", headers: { "Content-Type": "application/json" }, body }).catch(() => undefined);
  }
}

/** One peer connection, from the answer to its offer on. */
class Peer {
  readonly url: string;
  readonly connection: RTCPeerConnection;
  readonly media = new MediaStream();
  readonly opened: Promise<void>;
  layers = new Layers("");
  /** Through which the server may be reached where it is not directly. */
  relays: RTCIceServer[] = [];
  private resource = "";
  private closed = false;

  constructor({ url, connection, answer, set }: Begun) {
    this.url = url;
    this.connection = connection;
    for (const { receiver } of connection.getTransceivers()) {
      if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
      this.media.addTrack(receiver.track);
    }
    addEventListener("pagehide", this.leave);
    this.opened = this.open(answer, set);
    this.opened.catch(() => undefined);
  }

  private async open(answered: Promise<Response>, set: Promise<void>): Promise<void> {
    const answer = await answered;
    if (!answer.ok) throw new Refused([404, 409, 503].includes(answer.status) ? "away" : "refused");
    this.resource = answer.headers.get("Location") ?? "";
    this.layers = new Layers(LAYERS.exec(answer.headers.get("Link") ?? "")?.[1] ?? "");
    this.relays = relaysOf(answer.headers.get("Link"));
    if (this.closed) {
      this.goodbye();
      return;
    }
    await set;
    const taken = this.connection.getTransceivers().filter(({ currentDirection }) => currentDirection === "recvonly");
    for (const { receiver } of this.connection.getTransceivers()) {
      if (!taken.some((each) => each.receiver === receiver)) this.media.removeTrack(receiver.track);
    }
  }

  /** A tab that is closed says no goodbye by WebRTC. */
  private readonly leave = ({ persisted }: PageTransitionEvent): void => {
    if (!persisted) this.goodbye();
  };

  private goodbye(): void {
    if (this.resource) void fetch(this.resource, { method: "DELETE", keepalive: true }).catch(() => undefined);
    this.resource = "";
  }

  close(): void {
    this.closed = true;
    removeEventListener("pagehide", this.leave);
    this.connection.close();
    this.goodbye();
  }
}

const page = window as Window & { madangWhep?: Begun };
/** What nobody took by then is let go. */
const KEPT_MS = 8000;

/** The peer that `boot.js` began while the page was being loaded. */
let early: Peer | null = page.madangWhep ? new Peer(page.madangWhep) : null;
delete page.madangWhep;
if (early) window.setTimeout(() => takeEarly()?.close(), KEPT_MS);

function takeEarly(): Peer | null {
  const taken = early;
  early = null;
  return taken;
}

/** A peer of this endpoint: the one that was begun early, if it goes there and has not failed; or a new one. */
function peerOf(url: string, relays: RTCIceServer[]): Peer {
  const begun = takeEarly();
  if (begun?.url === url && begun.connection.connectionState !== "failed") return begun;
  begun?.close();
  return new Peer(begin(url, relays));
}

type Counted = { bytes: number; at: number; held: number; emitted: number; soundHeld: number; soundEmitted: number };

/** WebRTC by WHEP: what the server has is on the screen a few frames later. */
export class WebRtcEngine implements Engine {
  readonly name = "webrtc";
  readonly seekable = false;
  private peer: Peer | null = null;
  private timer = 0;
  private deadline = 0;
  private wished = "";
  private behindMs: number | null = null;
  private before: Counted | null = null;
  private holdMs = 0;
  private told: EngineFacts = { codecs: "", bitrate: 0 };
  private relays: RTCIceServer[] = [];

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly source: Source,
    private readonly events: EngineEvents,
  ) {}

  start(): void {
    const peer = peerOf(this.source.whep, this.relays);
    this.peer = peer;
    const { connection } = peer;
    this.expect(ANSWER_MS, "network");
    peer.opened.then(
      () => {
        peer.layers.pick(this.wished);
        if (connection.connectionState !== "connected" && peer === this.peer) this.expect(CONNECT_MS, "unreachable");
      },
      (error: unknown) => {
        const away = !(error instanceof Refused) || error.why === "away";
        this.stop(away ? "network" : "unreachable");
      },
    );
    connection.addEventListener("connectionstatechange", () => this.changed());
    this.changed();
    this.video.srcObject = peer.media;
    this.timer = window.setInterval(() => void this.look(connection), LOOK_MS);
  }

  private changed(): void {
    const state = this.peer?.connection.connectionState;
    if (state === "connected") window.clearTimeout(this.deadline);
    else if (state === "disconnected") this.expect(LOST_MS, "network");
    else if (state === "failed") this.stop(this.before ? "network" : "unreachable");
  }

  private expect(withinMs: number, or: "network" | "unreachable"): void {
    window.clearTimeout(this.deadline);
    this.deadline = window.setTimeout(() => this.stop(or), withinMs);
  }

  /** Where the server is not reached directly it is tried once through its relays, if it has named some. */
  private stop(failure: "network" | "unreachable"): void {
    if (!this.peer) return;
    const { relays } = this.peer;
    this.destroy();
    const relayed = relays.some(({ urls }) => String(urls).startsWith("turn"));
    if (failure === "unreachable" && relayed && this.relays.length === 0) {
      this.relays = relays;
      this.start();
    } else this.events.onFailure(failure);
  }

  /** What the browser counts: how long frames waited for it, how far the server is, and what comes. */
  private async look(connection: RTCPeerConnection): Promise<void> {
    const report = await connection.getStats().catch(() => null);
    if (!report || connection !== this.peer?.connection) return;
    const all = [...report.values()] as (Record<string, unknown> & { type: string })[];
    const video = all.find((each) => each.type === "inbound-rtp" && each["kind"] === "video") ?? all.find((each) => each.type === "inbound-rtp");
    if (!video) return;
    const sound = all.find((each) => each !== video && each.type === "inbound-rtp" && each["kind"] === "audio");
    const number = (of: Record<string, unknown> | undefined, name: string) => Number(of?.[name] ?? 0);
    const pair = all.find((each) => each.type === "candidate-pair" && each["nominated"] === true);
    const now: Counted = {
      bytes: number(pair, "bytesReceived"),
      at: performance.now(),
      held: number(video, "jitterBufferDelay") + number(video, "totalDecodeTime"),
      emitted: number(video, "jitterBufferEmittedCount"),
      soundHeld: number(sound, "jitterBufferDelay"),
      soundEmitted: number(sound, "jitterBufferEmittedCount"),
    };
    const { before } = this;
    this.before = now;
    if (before && now.emitted > before.emitted) {
      const heldMs = ((now.held - before.held) / (now.emitted - before.emitted)) * 1000;
      const samples = now.soundEmitted - before.soundEmitted;
      this.hold(connection, samples > 0 ? ((now.soundHeld - before.soundHeld) / samples) * 1000 - heldMs : 0);
      this.behindMs = heldMs + number(pair, "currentRoundTripTime") * 500;
      this.events.onArrival(Date.now());
    }
    const codecs = all.filter((each) => each.type === "codec").map((each) => String(each["mimeType"]).replace(/^\w+\//, ""));
    const bitrate = before ? ((now.bytes - before.bytes) * 8000) / (now.at - before.at) : 0;
    this.told = { codecs: [...new Set(codecs)].join(", "), bitrate: Math.max(0, bitrate) };
    const { layers } = this.peer;
    await layers.look(this.video.videoHeight);
    this.events.onQualities(layers.found.length > 1 ? layers.found : [{ id: "0", height: this.video.videoHeight, bitrate: 0 }]);
  }

  /** Lets the picture wait for its sound, where that is too far behind it. */
  private hold(connection: RTCPeerConnection, behindMs: number): void {
    const holdMs = holdFor(behindMs, this.holdMs);
    if (holdMs === this.holdMs) return;
    this.holdMs = holdMs;
    const picture = connection.getReceivers().find(({ track }) => track.kind === "video");
    if (picture && "jitterBufferTarget" in picture) picture.jitterBufferTarget = holdMs;
  }

  destroy(): void {
    window.clearInterval(this.timer);
    window.clearTimeout(this.deadline);
    this.peer?.close();
    this.peer = null;
    this.video.srcObject = null;
  }

  goLive(): void {
    // It is never anywhere else.
  }

  playingMs(): number | null {
    return this.behindMs === null || this.video.readyState < 2 ? null : Date.now() - this.behindMs;
  }

  seekTo(): void {
    // Nothing is kept.
  }

  pick(quality: string): void {
    this.wished = quality;
    this.peer?.layers.pick(quality);
  }

  facts(): EngineFacts {
    return this.told;
  }
}
