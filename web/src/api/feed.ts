import type { ChannelState, FeedEvent, Finding, TrackInfo } from "./types";

/** A channel's live facts as the feed tells them. */
export type FeedLine = {
  id: string;
  slug: string;
  state: ChannelState | "ended";
  viewers: number;
  /** Seconds since 1970. */
  began_at: number | null;
  broadcast_id: string | null;
};

/** One second of a live stream, and what is wrong with it. */
export type FeedPulse = {
  state: ChannelState;
  sample: { at: number; bitrate_bps: number; fps: number; viewers: number };
  health: Finding[];
  viewers_by_door: Record<string, number>;
  tracks: TrackInfo[];
};

/** A line of a channel's log as it is written; `at` in seconds since 1970. */
export type FeedHappening = { id: string; at: number; kind: string; peer: string; data: FeedEvent["data"] };

/** What the server tells over `/api/v1/events/ws`. */
export type FeedMessage =
  /** A snapshot, first of all: this channel, or those that are live. */
  | { type: "hello"; channels: FeedLine[] }
  | ({ type: "stream"; event: "began" | "lost" | "resumed" | "ended" } & FeedLine)
  | { type: "viewers"; id: string; slug: string; viewers: number }
  | { type: "channel"; event: "created" | "updated" | "deleted"; id: string; slug: string }
  /** For the studio of a channel: its health and rates, each second. */
  | ({ type: "studio"; id: string } & FeedPulse)
  /** For the studio of a channel: a line of its log. */
  | ({ type: "event" } & FeedHappening);

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
/** The server sends something at least this often; a silent connection is dead. */
const SILENCE_MS = 45_000;

type Handlers = {
  onMessage: (message: FeedMessage) => void;
  /** Connected again: what happened meanwhile was missed, ask anew. */
  onReturn: () => void;
  /** Not connected: ask from time to time. */
  onPoll: () => void;
};

const POLL_MS = 4000;

/** One websocket for a page's events; comes back with jitter, and asks for polling while it is away. */
export class Feed {
  private socket: WebSocket | null = null;
  private tries = 0;
  private opened = false;
  private timer = 0;
  private silence = 0;
  private readonly poll: number;
  private closed = false;

  constructor(
    private readonly channel: string | null,
    private readonly handlers: Handlers,
    private readonly token = "",
  ) {
    this.connect();
    this.poll = window.setInterval(() => this.socket?.readyState !== WebSocket.OPEN && this.handlers.onPoll(), POLL_MS);
  }

  private connect(): void {
    const url = new URL("/api/v1/events/ws", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    if (this.channel !== null) url.searchParams.set("channel", this.channel);
    if (this.token) url.searchParams.set("token", this.token);
    const socket = new WebSocket(url);
    this.socket = socket;
    socket.onopen = () => {
      this.tries = 0;
      if (this.opened) this.handlers.onReturn();
      this.opened = true;
      this.listen();
    };
    socket.onmessage = (event: MessageEvent<unknown>) => {
      this.listen();
      if (typeof event.data === "string") this.heard(event.data);
    };
    socket.onclose = () => this.again();
  }

  private heard(text: string): void {
    try {
      const message: unknown = JSON.parse(text);
      if (typeof message === "object" && message !== null && "type" in message) this.handlers.onMessage(message as FeedMessage);
    } catch {
      this.socket?.close();
    }
  }

  private listen(): void {
    window.clearTimeout(this.silence);
    this.silence = window.setTimeout(() => this.socket?.close(), SILENCE_MS);
  }

  private again(): void {
    window.clearTimeout(this.silence);
    if (this.closed) return;
    const wait = Math.min(FIRST_WAIT_MS * 2 ** this.tries++, LONGEST_WAIT_MS) * (0.5 + Math.random());
    this.timer = window.setTimeout(() => this.connect(), wait);
  }

  close(): void {
    this.closed = true;
    window.clearTimeout(this.timer);
    window.clearTimeout(this.silence);
    window.clearInterval(this.poll);
    this.socket?.close();
  }
}
