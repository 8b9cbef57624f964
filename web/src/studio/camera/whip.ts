import { ApiError } from "../../api/client";
import { relaysOf } from "../../player/relays";

/** How a broadcast from this browser is doing. */
export type Sending = {
  phase: "connecting" | "live" | "lost";
  bitrate: number;
  fps: number;
  /** Of the last seconds, what did not arrive: 0 to 1. */
  loss: number;
  /** Milliseconds to the server and back; null where unknown. */
  roundTripMs: number | null;
  /** What holds the picture back: `cpu`, `bandwidth`, or nothing. */
  limit: string;
  /** For how long it has done so, seconds. */
  limitedS: number;
};

/** The server does not take the broadcast; `code` says why. */
export class WhipRefused extends ApiError {}

const LOOK_MS = 1000;
const RETRY_MS = [500, 1000, 2000, 4000];
const GOODBYE_MS = 2000;
/** A connection that was lost may come back by itself for so long. */
const LOST_MS = 4000;

type Counted = { at: number; bytes: number; frames: number };

async function refusalOf(answer: Response): Promise<WhipRefused> {
  const problem = (await answer.json().catch(() => ({}))) as { type?: string; detail?: string };
  return new WhipRefused(answer.status, problem.type ?? "unknown", problem.detail ?? "");
}

/** Publishes a stream by WHIP until it is stopped; a connection that breaks is made anew. */
export class WhipPublisher {
  private connection: RTCPeerConnection | null = null;
  private resource = "";
  private stopped = false;
  private tries = 0;
  private timer = 0;
  private retry = 0;
  private before: Counted | null = null;
  private state: Sending = { phase: "connecting", bitrate: 0, fps: 0, loss: 0, roundTripMs: null, limit: "", limitedS: 0 };

  constructor(
    private readonly url: string,
    private readonly key: string,
    private media: MediaStream,
    private maxBitrate: number,
    private readonly onState: (state: Sending) => void,
    /** The server says no: `stop` has been called. */
    private readonly onRefused: (error: WhipRefused) => void,
  ) {}

  /** Begins; a refusal of the first offer is thrown. */
  async start(): Promise<void> {
    this.timer = window.setInterval(() => void this.look(), LOOK_MS);
    try {
      await this.connect();
    } catch (error) {
      if (this.stopped) return; // whoever ended it waits for nothing
      this.stop();
      throw error;
    }
  }

  private set(change: Partial<Sending>): void {
    this.state = { ...this.state, ...change };
    this.onState(this.state);
  }

  private async connect(): Promise<void> {
    const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.connection = connection;
    this.before = null;
    for (const track of this.media.getTracks()) connection.addTransceiver(track, { direction: "sendonly", streams: [this.media] });
    connection.addEventListener("connectionstatechange", () => this.changed(connection));
    const offer = await connection.createOffer();
    const headers = { "Content-Type": "application/sdp", Authorization: `Bearer ${this.key}` };
    const answer = await fetch(this.url, { method: "POST", headers, body: offer.sdp ?? "" });
    if (!answer.ok) {
      connection.close();
      throw await refusalOf(answer);
    }
    const resource = answer.headers.get("Location") ?? "";
    if (this.stopped) {
      this.leave(connection, resource);
      return;
    }
    this.resource = resource;
    // Addresses are gathered with what the answer names (RFC 9725 section 4.6): the server waits for none.
    connection.setConfiguration({ bundlePolicy: "max-bundle", iceServers: relaysOf(answer.headers.get("Link")) });
    await connection.setLocalDescription(offer);
    await connection.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    await this.limit();
  }

  private changed(connection: RTCPeerConnection): void {
    if (connection !== this.connection || this.stopped) return;
    const state = connection.connectionState;
    window.clearTimeout(this.retry);
    if (state === "connected") {
      this.tries = 0;
      this.set({ phase: "live" });
    } else if (state === "failed" || state === "closed") this.again(0);
    else if (state === "disconnected") this.again(LOST_MS);
  }

  /** Connects anew after a while: the server keeps the broadcast for its publisher. */
  private again(afterMs: number): void {
    this.set({ phase: "lost", bitrate: 0 });
    const wait = afterMs || (RETRY_MS[Math.min(this.tries++, RETRY_MS.length - 1)] ?? 0);
    this.retry = window.setTimeout(() => {
      if (this.stopped) return;
      this.connection?.close();
      this.connect().catch((error: unknown) => {
        if (this.stopped) return;
        if (!(error instanceof WhipRefused) || error.status >= 409) {
          this.again(0);
          return;
        }
        this.stop();
        this.onRefused(error);
      });
    }, wait);
  }

  /** Sends other tracks from now on: another camera, the screen. */
  async replace(media: MediaStream): Promise<void> {
    this.media = media;
    for (const sender of this.connection?.getSenders() ?? []) {
      const next = media.getTracks().find((track) => track.kind === sender.track?.kind);
      if (next) await sender.replaceTrack(next);
    }
  }

  async setBitrate(maxBitrate: number): Promise<void> {
    this.maxBitrate = maxBitrate;
    await this.limit();
  }

  private async limit(): Promise<void> {
    const sender = this.connection?.getSenders().find(({ track }) => track?.kind === "video");
    if (!sender) return;
    const parameters = sender.getParameters();
    for (const encoding of parameters.encodings) encoding.maxBitrate = this.maxBitrate;
    await sender.setParameters(parameters).catch(() => undefined);
  }

  private async look(): Promise<void> {
    const { connection } = this;
    const report = await connection?.getStats().catch(() => null);
    if (!report || connection !== this.connection || this.state.phase !== "live") return;
    const all = [...report.values()] as (Record<string, unknown> & { type: string })[];
    const number = (of: Record<string, unknown> | undefined, name: string) => Number(of?.[name] ?? 0);
    const sent = all.filter((each) => each.type === "outbound-rtp");
    const video = sent.find((each) => each["kind"] === "video");
    const heard = all.find((each) => each.type === "remote-inbound-rtp" && each["kind"] === "video");
    const pair = all.find((each) => each.type === "candidate-pair" && each["nominated"] === true);
    const bytes = sent.reduce((sum, each) => sum + number(each, "bytesSent"), 0);
    const now: Counted = { at: performance.now(), bytes, frames: number(video, "framesEncoded") };
    const { before } = this;
    this.before = now;
    if (!before) return;
    const seconds = (now.at - before.at) / 1000;
    const limit = ["cpu", "bandwidth"].find((each) => each === video?.["qualityLimitationReason"]) ?? "";
    this.set({
      bitrate: Math.max(0, ((now.bytes - before.bytes) * 8) / seconds),
      fps: Math.max(0, (now.frames - before.frames) / seconds),
      loss: number(heard, "fractionLost"),
      roundTripMs: pair?.["currentRoundTripTime"] === undefined ? null : number(pair, "currentRoundTripTime") * 1000,
      limit,
      limitedS: limit === "" ? 0 : this.state.limitedS + seconds,
    });
  }

  /** Says goodbye: the broadcast ends. */
  stop(): void {
    this.stopped = true;
    window.clearInterval(this.timer);
    window.clearTimeout(this.retry);
    const { connection, resource } = this;
    this.connection = null;
    this.resource = "";
    this.leave(connection, resource);
  }

  private leave(connection: RTCPeerConnection | null, resource: string): void {
    // A connection that is closed first looks like one that was lost, for which the server waits.
    const close = () => connection?.close();
    if (resource === "") close();
    else {
      const headers = { Authorization: `Bearer ${this.key}` };
      void fetch(resource, { method: "DELETE", headers, keepalive: true, signal: AbortSignal.timeout(GOODBYE_MS) }).then(close, close);
    }
  }
}
