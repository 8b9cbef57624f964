import { createContext, use, useSyncExternalStore } from "react";
import { LineError, type Heard, type HeardByManagers, type Line } from "./line";
import { emptyRoom, reduce, trimmed, type Action, type Refusal, type Room } from "./room";
import type { EffectEvent, Message, PersonalEvent, RoomEvent, Sent } from "./wire";

/** The picture of the room moves at most this often, however fast it talks. */
const FLUSH_MS = 100;
/** So many events are never left waiting, even where the browser holds the timers of a hidden page back. */
const MOST_WAITING = 500;
/** A send whose answer was lost is sent again with the same nonce, so often. */
const RESENDS = 5;
const RESEND_MS = 1500;

export type CommandAnswer = { word: string; text: string; data: unknown };

function newNonce(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** One room of the page; it may be opened again after it was closed: what it hears, in batches, and what it is told. */
export class RoomStore {
  private room: Room = emptyRoom;
  private waiting: Action[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private flushedAt = 0;
  private back = false;
  private line: Line | null = null;
  private fetching: Promise<void> | null = null;
  /** Nonces whose answer was lost, with how often they were sent. */
  private readonly lost = new Map<string, number>();
  private readonly resends = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly managers = new Map<HeardByManagers, (() => void) | null>();
  private readonly listeners = new Set<() => void>();
  private readonly effects = new Set<(effect: EffectEvent) => void>();
  private readonly notices = new Set<(notice: PersonalEvent & { t: "notice" }) => void>();

  constructor(
    readonly channel: string,
    private readonly lineTo: () => Line,
    private readonly now: () => number = Date.now,
  ) {}

  open(): void {
    const heard: Heard = {
      onLink: (state, code) => {
        this.hear({ type: "link", link: { state, code } });
        if (state === "open") this.resendLost();
      },
      onSnapshot: (snapshot, recovered) => this.hear({ type: "snapshot", snapshot, recovered }),
      onEvent: (event, sampled) => this.heard(event, sampled),
      onPersonal: (event) => this.personal(event),
    };
    this.line = this.lineTo();
    this.line.open(heard);
    for (const managers of this.managers.keys()) this.managers.set(managers, this.line.moderate(managers));
  }

  private heard(event: RoomEvent, sampled: boolean): void {
    if (event.t === "effect") this.effects.forEach((listener) => listener(event));
    else this.hear({ type: "event", event, now: this.now(), sampled });
  }

  private personal(event: PersonalEvent): void {
    if (event.channel !== this.channel) return;
    if (event.t === "notice") this.notices.forEach((listener) => listener(event));
    else this.hear({ type: "personal", event });
  }

  // --- what is seen

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): Room => this.room;

  /** Screen effects as they come; they are no part of the room's state. */
  readonly onEffect = (listener: (effect: EffectEvent) => void): (() => void) => {
    this.effects.add(listener);
    return () => this.effects.delete(listener);
  };

  readonly onNotice = (listener: (notice: PersonalEvent & { t: "notice" }) => void): (() => void) => {
    this.notices.add(listener);
    return () => this.notices.delete(listener);
  };

  /** What concerns managers alone; also asked for before the room is open. */
  readonly moderate = (heard: HeardByManagers): (() => void) => {
    this.managers.set(heard, this.line?.moderate(heard) ?? null);
    return () => {
      this.managers.get(heard)?.();
      this.managers.delete(heard);
    };
  };

  /** Somebody reads back: nothing is dropped from under them. */
  readBack(back: boolean): void {
    this.back = back;
  }

  private hear(action: Action): void {
    this.waiting.push(action);
    if (this.waiting.length >= MOST_WAITING) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), Math.max(0, this.flushedAt + FLUSH_MS - this.now()));
  }

  private act(action: Action): void {
    this.waiting.push(action);
    this.flush();
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.flushedAt = this.now();
    const actions = this.waiting;
    this.waiting = [];
    this.room = trimmed(actions.reduce(reduce, this.room), this.back);
    this.listeners.forEach((listener) => listener());
  }

  // --- what is said

  /** Sends a message; it is seen at once, and then as the room answers. A command gives its answer. */
  async send(text: string, reply: Message | null): Promise<CommandAnswer | null> {
    const nonce = newNonce();
    const { you } = this.room;
    if (you && !isCommand(text)) this.act({ type: "send", nonce, message: draft(text, reply, you, this.now()) });
    const data = { text, nonce, ...(reply ? { reply_to: reply.id } : {}) };
    if (isCommand(text)) return commandAnswer((await this.call("chat.send", data)) as Sent);
    await this.deliver(nonce, data);
    return null;
  }

  private async deliver(nonce: string, data: Record<string, unknown>): Promise<void> {
    try {
      const answer = (await this.call("chat.send", data)) as Sent;
      this.lost.delete(nonce);
      this.act({ type: "answered", nonce, answer });
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      this.failed(nonce, error, data);
    }
  }

  private failed(nonce: string, { refusal, lost }: LineError, data: Record<string, unknown>): void {
    const again = lost || refusal.code === 100;
    const turns = (this.lost.get(nonce) ?? 0) + 1;
    if (!again || turns > RESENDS || this.line === null) {
      this.lost.delete(nonce);
      this.act({ type: "refused", nonce, refusal: again ? { code: 0, word: "lost", value: null } : refusal });
      return;
    }
    this.lost.set(nonce, turns);
    this.resends.set(nonce, setTimeout(() => void this.redeliver(nonce, data), RESEND_MS * turns));
  }

  private redeliver(nonce: string, data: Record<string, unknown>): Promise<void> {
    clearTimeout(this.resends.get(nonce));
    this.resends.delete(nonce);
    return this.deliver(nonce, data);
  }

  /** The line is back: what was not answered is sent again at once. */
  private resendLost(): void {
    for (const { own, message } of this.room.entries) {
      if (own && this.resends.has(own.nonce)) void this.redeliver(own.nonce, { text: message.text, nonce: own.nonce, ...(message.reply ? { reply_to: message.reply.id } : {}) });
    }
  }

  /** Sends a refused message again, as it is. */
  retry(nonce: string): void {
    const entry = this.room.entries.find(({ own }) => own?.nonce === nonce);
    if (!entry) return;
    this.act({ type: "resend", nonce });
    void this.deliver(nonce, { text: entry.message.text, nonce, ...(entry.message.reply ? { reply_to: entry.message.reply.id } : {}) });
  }

  forget(nonce: string): void {
    this.act({ type: "forget", nonce });
  }

  /** A line that only this page shows. */
  say(text: string): void {
    const { entries, you } = this.room;
    if (!you) return;
    const message: Message = { id: `local-${newNonce()}`, seq: 0, at: this.now(), kind: "system", user: you, text };
    const last = entries.at(-1)?.message;
    if (last?.kind === "system" && last.text === text) return;
    this.act({ type: "notice", message });
  }

  /** Anything else of the contract: `chat.delete`, `poll.vote` … Throws `LineError`. */
  call(method: string, data: Record<string, unknown> = {}): Promise<unknown> {
    return this.line ? this.line.call(method, data) : Promise.reject(new LineError({ code: 0, word: "lost", value: null }, true));
  }

  /** Fetches what was said before the oldest message here; several calls are one. */
  older(): Promise<void> {
    const { older } = this.room;
    if (older === null || older === undefined) return Promise.resolve();
    this.fetching ??= this.fetchOlder(older).finally(() => (this.fetching = null));
    return this.fetching;
  }

  private async fetchOlder(before: number): Promise<void> {
    const page = (await this.call("chat.history", { before, limit: 100 })) as { messages: Message[]; next: number | null };
    this.act({ type: "history", messages: page.messages, next: page.next });
  }

  /** A guest has another name: the server said so, and nobody else tells this page. */
  named(name: string): void {
    const { you } = this.room;
    if (you) this.act({ type: "personal", event: { t: "you", channel: this.channel, ...you, name } });
  }

  again(): void {
    this.line?.again();
  }

  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.resends.forEach((timer) => clearTimeout(timer));
    this.line?.close();
    this.line = null;
  }
}

/** A text that the server reads as a command; `//` writes a slash. */
export function isCommand(text: string): boolean {
  return /^\/(?!\/)\S/.test(text);
}

function commandAnswer(answer: Sent): CommandAnswer | null {
  return answer.state === "command" ? { word: answer.word, text: answer.text, data: answer.data } : null;
}

function draft(text: string, reply: Message | null, you: Message["user"], at: number): Message {
  const quote = reply ? { id: reply.id, user: reply.user.id, name: reply.user.name, text: reply.text } : null;
  return { id: "", seq: 0, at, kind: "message", user: you, text: text.startsWith("//") ? text.slice(1) : text, reply: quote };
}

/** What went wrong with a call, or null where it was something else. */
export function refusalIn(error: unknown): Refusal | null {
  return error instanceof LineError ? error.refusal : null;
}

const Context = createContext<RoomStore | null>(null);
export const RoomProvider = Context;

/** The room that the tree stands in. */
export function useStore(): RoomStore {
  const store = use(Context);
  if (!store) throw new Error("no room around this");
  return store;
}

export function useRoom(): Room {
  const store = useStore();
  return useSyncExternalStore(store.subscribe, store.snapshot);
}
