import type { Can, Message, Person, RoomEvent, Settings, Snapshot, Tombstone, You } from "./wire";

/** Numbers that are random and the same in every run. */
export function dice(seed: number): (sides: number) => number {
  let state = seed * 2654435761 + 1;
  return (sides) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 4294967296) * sides);
  };
}

export const settings: Settings = {
  slow_s: 0,
  followers_min: null,
  subscribers_only: false,
  emoji_only: false,
  unique: false,
  links: true,
  frozen: "",
  guests: true,
  hold: "filter",
  letters: 500,
  preset: "normal",
  rules: "",
  effects: true,
  paid: false,
  polls: true,
};

export function person(id: string, change: Partial<Person> = {}): Person {
  return { id, name: id, role: "viewer", badges: [], color: id.length % 16, ...change };
}

export function youAre(id: string, can: Can[] = ["send"], change: Partial<You> = {}): You {
  return { ...person(id), can, muted: null, followed_at: null, role_until: null, retry_s: 0, ...change };
}

/**
 * A room in memory that keeps the written contract: one log of events with offsets, redacted in place, and a snapshot
 * of the newest hundred. For tests of what a page makes of it.
 */
export class FakeRoom {
  private readonly log: RoomEvent[] = [];
  private readonly said: (Message | Tombstone)[] = [];
  private seq = 0;
  cut = 0;
  clock = 1_790_000_000_000;

  constructor(readonly me = "me") {}

  get offset(): number {
    return this.log.length;
  }

  private publish(event: RoomEvent): RoomEvent {
    this.log.push(event);
    return event;
  }

  say(user: Person, text: string, change: Partial<Message> = {}): RoomEvent {
    this.seq += 1;
    this.clock += 10;
    const message: Message = { id: `m${String(this.seq).padStart(6, "0")}`, seq: this.seq, at: this.clock, kind: "message", user, text, ...change };
    this.said.push(message);
    return this.publish({ t: "message", ...message });
  }

  /** A message that may still be edited or deleted. */
  any(random: (sides: number) => number): Message | null {
    const there = this.said.filter((message): message is Message => message.deleted !== true);
    return there[random(there.length)] ?? null;
  }

  private redact(id: string, change: (message: Message) => Message | Tombstone): void {
    const at = this.said.findIndex((message) => message.id === id);
    const before = this.said[at];
    if (!before || before.deleted === true) return;
    const after = change(before);
    this.said[at] = after;
    const place = this.log.findIndex((event) => event.t === "message" && event.id === id);
    this.log[place] = { t: "message", ...after };
  }

  edit(id: string, text: string): RoomEvent {
    this.redact(id, (message) => ({ ...message, text, mentions: [], edited_at: this.clock }));
    return this.publish({ t: "edit", id, text, edited_at: this.clock });
  }

  remove(ids: string[]): RoomEvent {
    for (const id of ids) this.bury(id);
    return this.publish({ t: "delete", ids });
  }

  private bury(id: string): void {
    this.redact(id, ({ seq, at, kind }) => ({ id, seq, at, kind, deleted: true }));
  }

  purge(user: string): RoomEvent {
    const through = this.seq;
    for (const message of [...this.said]) if (!message.deleted && (message).user.id === user && message.kind !== "paid") this.bury(message.id);
    return this.publish({ t: "purge", user, through });
  }

  clear(): RoomEvent {
    this.cut = this.seq;
    return this.publish({ t: "clear", through: this.seq, by: "somebody" });
  }

  snapshot(recovered: boolean): Snapshot {
    const messages = this.said.filter((message) => !message.deleted && (message.seq > this.cut || message.kind === "paid")).slice(-100);
    return {
      v: 1,
      channel: "c",
      now: this.clock,
      you: youAre(this.me),
      settings,
      counts: { viewers: 1, chatters: 1 },
      pins: [],
      poll: null,
      paid: [],
      goal: null,
      cut: this.cut,
      ...(recovered ? {} : { messages }),
    };
  }

  /** What happened since `offset`; null where that is too long ago to be told. */
  since(offset: number, most = 300): RoomEvent[] | null {
    return this.log.length - offset > most ? null : this.log.slice(offset);
  }
}
