/** The words of `docs/4-api/chat.md`. Unknown fields and unknown events are passed over. */

export type RoomRole = "owner" | "broadcaster" | "manager" | "vip" | "subscriber" | "viewer" | "guest";
export type Can =
  | "send"
  | "delete"
  | "timeout"
  | "ban"
  | "shadow"
  | "pin"
  | "clear"
  | "announce"
  | "settings"
  | "approve"
  | "roles"
  | "managers"
  | "effects"
  | "poll"
  | "paid";

/** Somebody as a message names them. */
export type Person = { id: string; name: string; role: RoomRole; badges?: string[]; color?: number; avatar?: string | null };

export type Mute = { code: number; word: string; until: number | null; reason: string };

/** Who the room takes this page for, and what that person may do. */
export type You = Person & { can: Can[]; muted: Mute | null; followed_at: number | null; role_until: number | null; retry_s: number };

export type Quote = { id: string; user: string; name: string; text: string };
export type Paid = { order?: string; amount: number; currency: string; tier: number; test?: boolean };
/** A paid message of the ticker; times in ms. */
export type TickerEntry = { id: string; user: Person; text: string; paid: Paid; at: number; until: number };
export type Poll = { id: string; title: string; choices: string[]; counts: number[]; votes: number; state: "open" | "ended"; created_at: number; ends_at: number | null; ended_at: number | null };
export type Goal = { title: string; amount: number; currency: string; reached: number };
export type Tint = "primary" | "blue" | "green" | "orange" | "purple";

export type Message = {
  id: string;
  /** Rises by one per message of the room; cuts refer to it. */
  seq: number;
  /** Milliseconds since 1970, by the server's clock. */
  at: number;
  kind: "message" | "action" | "announcement" | "paid" | "system";
  user: Person;
  text: string;
  mentions?: string[];
  reply?: Quote | null;
  edited_at?: number | null;
  color?: Tint;
  paid?: Paid;
  deleted?: boolean;
  held?: boolean;
};

/** What history tells of a deleted message: that it was there. */
export type Tombstone = { id: string; seq: number; at: number; kind: Message["kind"]; deleted: true };

export type Freeze = "" | "all" | "guests" | "viewers" | "subscribers";
export type Hold = "none" | "filter" | "newcomers" | "all";
export type Preset = "" | "calm" | "normal" | "raid";

export type Settings = {
  slow_s: number;
  followers_min: number | null;
  subscribers_only: boolean;
  emoji_only: boolean;
  unique: boolean;
  links: boolean;
  frozen: Freeze;
  guests: boolean;
  hold: Hold;
  letters: number;
  preset: Preset;
  rules: string;
  effects: boolean;
  paid: boolean;
  polls: boolean;
};

export type Counts = { viewers: number; chatters: number };
export type Pin = { id: string; message: Message; by: string; at: number; until: number | null };

export type Snapshot = {
  v: number;
  channel: string;
  now: number;
  you: You;
  settings: Settings;
  counts: Counts;
  pins: Pin[];
  poll: Poll | null;
  paid: TickerEntry[];
  goal: Goal | null;
  cut: number;
  messages?: (Message | Tombstone)[];
};

/** A screen effect as it travels; the effects' own room reads the rest. */
export type EffectEvent = { t: "effect"; id: string; kind: string; user: string; name: string; at: number; wall: number } & Record<string, unknown>;

export type RoomEvent =
  | ({ t: "message" } & (Message | Tombstone))
  | { t: "edit"; id: string; text: string; mentions?: string[]; edited_at: number }
  | { t: "delete"; ids: string[]; by?: string }
  | { t: "purge"; user: string; through: number }
  | { t: "clear"; through: number; by: string }
  | { t: "pins"; pins: Pin[] }
  | { t: "settings"; settings: Settings; by: string }
  | { t: "counts"; viewers: number; chatters: number }
  | { t: "role"; user: string; role: RoomRole; badges: string[]; name?: string }
  | { t: "poll"; poll: Poll | null }
  | { t: "paid"; entries: TickerEntry[] }
  | { t: "goal"; goal: Goal | null }
  | EffectEvent;

/** What the server tells one person alone. */
export type PersonalEvent =
  | ({ t: "you"; channel: string } & You)
  | { t: "held"; channel: string; message: Message }
  | { t: "held"; channel: string; id: string; state: "approved" | "denied" }
  | { t: "shadow"; channel: string; message: Message }
  | { t: "notice"; channel: string; word: string; text: string };

/** Where the filter found a word, in code points of the text. */
export type Hit = { from: number; to: number; term: string };
/** A message that waits for approval. */
export type Held = { message: Message; reason?: string; hits?: Hit[] };
export type AuditEntry = {
  id: string;
  at: number;
  action: string;
  actor: string;
  actor_name: string;
  target: string;
  target_name: string;
  reason: string;
  duration_s: number | null;
  message: string;
};

/** A paid message that waits, or waits no more. */
export type PaidHeld = { order: string; state: string; user: Person; text: string; paid: Paid; reason: string };

/** What managers hear besides. */
export type ModerationEvent =
  | ({ t: "held" } & Held)
  | { t: "resolved"; id: string; state: "approved" | "denied"; by: string }
  | { t: "shadow"; message: Message }
  | { t: "audit"; entry: AuditEntry }
  | ({ t: "paid_held" } & PaidHeld);

export type ModerationSnapshot = { held: Held[]; audit: AuditEntry[]; counts: { held: number } };

/** The answer to a send. */
export type Sent =
  | { id: string; seq: number; at: number; state: "sent" }
  | { id: string; state: "held" }
  | { state: "command"; word: string; text: string; data?: unknown };

export type CommandInfo = { name: string; usage: string; help: { en: string; ko: string }; arguments: string[] };

export type UserCard = {
  user: Person;
  followed_at: number | null;
  ban: Mute | null;
  shadow: boolean;
  messages: Message[];
  audit: AuditEntry[];
};

/** Whether something that came over the wire is an event at all. */
export function isEvent(data: unknown): data is { t: string } {
  return typeof data === "object" && data !== null && "t" in data && typeof data.t === "string";
}

export function isTombstone(message: Message | Tombstone): message is Tombstone {
  return message.deleted === true;
}

const ranks: Record<RoomRole, number> = { guest: 0, viewer: 1, subscriber: 2, vip: 3, manager: 4, broadcaster: 5, owner: 6 };

/** Whether `role` stands at or above `other`. */
export function atLeast(role: RoomRole, other: RoomRole): boolean {
  return ranks[role] >= ranks[other];
}
