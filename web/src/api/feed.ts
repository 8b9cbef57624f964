import type { ChannelState, FeedEvent, Finding, Sample, TrackInfo } from "./types";

/** A channel's live facts as the feed tells them. */
export type FeedLine = {
  id: string;
  slug: string;
  state: ChannelState | "ended";
  viewers: number;
  began_at: string | null;
  broadcast_id: string | null;
};

/** What a channel says of itself. */
export type FeedTexts = { name: string; title: string; category: string; visibility: string };

/** One second of a live stream, and what is wrong with it. */
export type FeedPulse = {
  state: ChannelState;
  sample: Sample;
  health: Finding[];
  viewers_by_door: Record<string, number>;
  tracks: TrackInfo[];
};

/** A line of a channel's log as it is written; `actor` is an account's id. */
export type FeedHappening = { id: string; at: string; kind: string; channel_id: string | null; actor: string | null; peer: string; data: FeedEvent["data"] };

/** What the server tells over `/api/v1/events/ws`. */
export type FeedMessage =
  /** A snapshot, first of all: this channel with its texts, or those that are live. */
  | { type: "hello"; channels: (FeedLine & Partial<FeedTexts>)[] }
  | ({ type: "stream"; event: "began" | "lost" | "resumed" | "ended" } & FeedLine)
  | { type: "viewers"; id: string; slug: string; viewers: number }
  | { type: "channel"; event: "created" | "updated" | "deleted"; id: string; slug: string }
  /** For the studio of a channel: its health and rates, each second. */
  | ({ type: "studio"; id: string } & FeedPulse)
  /** For the studio of a channel: a line of its log. */
  | ({ type: "event" } & FeedHappening)
  /** Still here. */
  | { type: "beat" };

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
const POLICY = 1008;

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
    socket.onclose = (event) => {
      // The right to watch is gone, or the channel is: the page has to look again.
      if (event.code === POLICY) this.handlers.onReturn();
      this.again();
    };
  }

  private heard(text: string): void {
    const message = parsed(text);
    if (message) this.handlers.onMessage(message);
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

function parsed(text: string): FeedMessage | null {
  try {
    const message: unknown = JSON.parse(text);
    return typeof message === "object" && message !== null && "type" in message ? (message as FeedMessage) : null;
  } catch {
    return null;
  }
}
