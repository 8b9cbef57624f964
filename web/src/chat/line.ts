import { Centrifuge, errorCodes, type Subscription } from "centrifuge";
import { api, ApiError } from "../api/client";
import type { Refusal } from "./room";
import { isEvent, type ModerationEvent, type ModerationSnapshot, type PersonalEvent, type RoomEvent, type Snapshot } from "./wire";

/** What a line tells of a room. */
export type Heard = {
  onLink: (state: "connecting" | "open" | "away" | "ended", code: number) => void;
  onSnapshot: (snapshot: Snapshot, recovered: boolean) => void;
  /** `sampled`: it happens now, and is not told again after an absence. */
  onEvent: (event: RoomEvent, sampled: boolean) => void;
  onPersonal: (event: PersonalEvent) => void;
};

/** What managers hear besides. */
export type HeardByManagers = {
  onSnapshot: (snapshot: ModerationSnapshot) => void;
  onEvent: (event: ModerationEvent) => void;
};

/** A room at the other end: the server's, or one in memory for tests. */
export type Line = {
  open: (heard: Heard) => void;
  /** Asks for something; throws `LineError`. */
  call: (method: string, data: Record<string, unknown>) => Promise<unknown>;
  /** Hears what managers hear; answers how to stop. */
  moderate: (heard: HeardByManagers) => () => void;
  /** Says who is asking anew: after a sign-in, or with another nickname. */
  again: () => void;
  close: () => void;
};

/** `lost` is true where no answer came: the same may be asked again. */
export class LineError extends Error {
  constructor(
    readonly refusal: Refusal,
    readonly lost: boolean,
  ) {
    super(refusal.word);
  }
}

const LOST: number[] = [errorCodes.timeout, errorCodes.transportClosed, errorCodes.clientDisconnected, errorCodes.transportWriteError, errorCodes.connectionClosed];

/** `word:value` of the server's refusals. */
export function refusalOf(code: number, message: string): Refusal {
  const at = message.lastIndexOf(":");
  const value = at < 0 ? Number.NaN : Number(message.slice(at + 1));
  if (Number.isNaN(value)) return { code, word: message, value: null };
  return { code, word: message.slice(0, at), value };
}

function failure(error: unknown): LineError {
  const { code, message } = error as { code?: number; message?: string };
  return new LineError(refusalOf(code ?? 0, message ?? ""), code === undefined || LOST.includes(code));
}

type Options = {
  /** The channel's immutable id. */
  channel: string;
  /** A guest's nickname, read anew at each subscription. */
  nick: () => string;
  /** A playback token, for a private channel's embed. */
  token: string;
  /** Hears events of this kind alone, such as `fx`. */
  kind?: string;
};

const TIMEOUT_MS = 10_000;
const LONGEST_WAIT_MS = 15_000;

/** Where `/connection/websocket` of this page's own server is. */
function address(): string {
  const url = new URL("/connection/websocket", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  return url.href;
}

/** The guest's last token: whoever shows it stays the same guest. Kept by the tab where storage is denied. */
const GUEST = "madang.guest";
let guest = "";

function keptGuest(): string {
  try {
    return localStorage.getItem(GUEST) ?? guest;
  } catch {
    return guest;
  }
}

function keepGuest(token: string): void {
  guest = token;
  try {
    localStorage.setItem(GUEST, token);
  } catch {
    // A frame of another site may not store: the guest lasts as long as the page.
  }
}

async function tokenFor(nick: string): Promise<string> {
  const before = keptGuest();
  try {
    const answer = await api.post<{ token: string; user: string }>("/realtime/token", { ...(before ? { guest: before } : {}), ...(nick ? { nick } : {}) });
    if (answer.user.startsWith("madang.g.")) keepGuest(answer.token);
    return answer.token;
  } catch (error) {
    if (error instanceof ApiError && error.status >= 400 && error.status < 500 && before) keepGuest("");
    throw error;
  }
}

/** The channel's room on the server, by its official client. */
export class ServerLine implements Line {
  private readonly client: Centrifuge;
  private room: Subscription | null = null;
  private opened = false;

  constructor(private readonly options: Options) {
    this.client = new Centrifuge(address(), {
      name: "madang-web",
      getToken: () => tokenFor(options.nick()),
      timeout: TIMEOUT_MS,
      maxReconnectDelay: LONGEST_WAIT_MS,
    });
  }

  open(heard: Heard): void {
    const { channel, nick, token, kind } = this.options;
    const room = this.client.newSubscription(`madang_chat:${channel}`, {
      recoverable: true,
      ...(kind ? { tagsFilter: { key: "k", cmp: "eq", val: kind } } : {}),
      getData: () => Promise.resolve({ ...(nick() ? { nick: nick() } : {}), ...(token ? { token } : {}) }),
    });
    this.room = room;
    let telling = false;
    room.on("subscribed", ({ data, recovered }) => {
      this.opened = true;
      heard.onLink("open", 0);
      if (typeof data === "object" && data !== null) heard.onSnapshot(data as Snapshot, recovered);
      // What was missed is told right after this, in the same turn.
      telling = recovered;
      queueMicrotask(() => (telling = false));
    });
    room.on("publication", ({ data }) => {
      if (isEvent(data)) heard.onEvent(data as RoomEvent, !telling);
    });
    room.on("subscribing", ({ code }) => heard.onLink(this.opened ? "away" : "connecting", code));
    room.on("unsubscribed", ({ code }) => heard.onLink("ended", code));
    room.on("error", ({ error }) => !this.opened && heard.onLink("connecting", error.code));
    this.client.on("disconnected", ({ code }) => heard.onLink("ended", code));
    this.client.on("publication", ({ data }) => {
      if (isEvent(data)) heard.onPersonal(data as PersonalEvent);
    });
    room.subscribe();
    this.client.connect();
  }

  async call(method: string, data: Record<string, unknown>): Promise<unknown> {
    try {
      return (await this.client.rpc(method, { channel: this.options.channel, ...data })).data as unknown;
    } catch (error) {
      throw failure(error);
    }
  }

  moderate(heard: HeardByManagers): () => void {
    const watch = this.client.newSubscription(`madang_mod:${this.options.channel}`, { recoverable: true });
    watch.on("subscribed", ({ data }) => {
      if (typeof data === "object" && data !== null) heard.onSnapshot(data as ModerationSnapshot);
    });
    watch.on("publication", ({ data }) => {
      if (isEvent(data)) heard.onEvent(data as ModerationEvent);
    });
    watch.subscribe();
    return () => {
      watch.unsubscribe();
      this.client.removeSubscription(watch);
    };
  }

  again(): void {
    this.client.setToken("");
    this.client.disconnect();
    this.client.connect();
  }

  close(): void {
    this.room?.removeAllListeners();
    this.client.removeAllListeners();
    this.client.disconnect();
  }
}
