import { calm, paced, type Pace } from "./pace";
import { atLeast, isTombstone, type Counts, type Goal, type Message, type PersonalEvent, type Pin, type Poll, type RoomEvent, type Sent, type Settings, type Snapshot, type TickerEntry, type Tombstone, type You } from "./wire";

/** Why something was not accepted: the server's code and word, and what goes with it. */
export type Refusal = { code: number; word: string; value: number | null };

/** An own message on its way, or one that did not arrive. */
export type Own = { nonce: string; state: "sending" | "held" | "denied" | "refused"; refusal: Refusal | null };

export type Entry = {
  /** Stays the same while a message goes from being sent to being there. */
  key: string;
  message: Message;
  /** Null as soon as the room has the message. */
  own: Own | null;
  /** Went by faster than anybody reads; kept, not shown. */
  quiet: boolean;
};

/** Whether the page hears the room: `ended` does not come back by itself. */
export type Link = { state: "connecting" | "open" | "away" | "ended"; code: number };

export type Room = {
  link: Link;
  you: You | null;
  settings: Settings | null;
  counts: Counts;
  pins: readonly Pin[];
  poll: Poll | null;
  paid: readonly TickerEntry[];
  goal: Goal | null;
  /** Messages up to this `seq` are gone for everybody. */
  cut: number;
  /** By `seq`; own messages that are not there yet stand last. */
  entries: readonly Entry[];
  /** Where older messages begin: a `seq`, null at the room's first, undefined before the first snapshot. */
  older: number | null | undefined;
  pace: Pace;
};

export type Action =
  | { type: "link"; link: Link }
  | { type: "snapshot"; snapshot: Snapshot; recovered: boolean }
  /** `sampled`: a live message that may be passed over in a rush; recovered ones never are. */
  | { type: "event"; event: RoomEvent; now: number; sampled: boolean }
  | { type: "personal"; event: PersonalEvent }
  | { type: "send"; nonce: string; message: Message }
  | { type: "answered"; nonce: string; answer: Sent }
  | { type: "refused"; nonce: string; refusal: Refusal }
  | { type: "resend"; nonce: string }
  | { type: "forget"; nonce: string }
  | { type: "notice"; message: Message }
  | { type: "history"; messages: (Message | Tombstone)[]; next: number | null };

/** Kept while the newest are followed; older ones are fetched again when somebody scrolls to them. */
const KEPT = 400;
/** Kept at most, while somebody reads back. */
export const KEPT_BACK = 3000;
const PAID_KEPT = 100;

export const emptyRoom: Room = {
  link: { state: "connecting", code: 0 },
  you: null,
  settings: null,
  counts: { viewers: 0, chatters: 0 },
  pins: [],
  poll: null,
  paid: [],
  goal: null,
  cut: 0,
  entries: [],
  older: undefined,
  pace: calm,
};

/** The room after `action`. Pure: time comes with the action. */
export function reduce(room: Room, action: Action): Room {
  switch (action.type) {
    case "link":
      return { ...room, link: action.link };
    case "snapshot":
      return snapped(room, action.snapshot, action.recovered);
    case "event":
      return heard(room, action.event, action.now, action.sampled);
    case "personal":
      return told(room, action.event);
    case "send":
      return { ...room, entries: [...room.entries, { key: action.nonce, message: action.message, own: { nonce: action.nonce, state: "sending", refusal: null }, quiet: false }] };
    case "answered":
      return answered(room, action.nonce, action.answer);
    case "refused":
      return own(room, action.nonce, { state: "refused", refusal: action.refusal });
    case "resend":
      return own(room, action.nonce, { state: "sending", refusal: null });
    case "forget":
      return { ...room, entries: room.entries.filter((entry) => entry.own?.nonce !== action.nonce) };
    case "notice":
      return { ...room, entries: [...room.entries, { key: action.message.id, message: action.message, own: null, quiet: false }] };
    case "history":
      return withHistory(room, action.messages, action.next);
  }
}

/** Drops what nobody will scroll to; `back` while somebody reads back. */
export function trimmed(room: Room, back: boolean): Room {
  const most = back ? KEPT_BACK : KEPT;
  // A quarter more is let grow, so that not every message moves the whole list.
  if (room.entries.length <= most * 1.25) return room;
  const kept = room.entries.slice(-most);
  // A clear spares what was paid for, however old: so does this.
  const paid = room.entries.slice(0, -most).filter((entry) => entry.message.kind === "paid");
  const entries = [...paid.slice(-PAID_KEPT), ...kept];
  const first = kept.find((entry) => entry.own === null && entry.message.seq > 0);
  return { ...room, entries, older: first ? first.message.seq : room.older };
}

function snapped(room: Room, snapshot: Snapshot, recovered: boolean): Room {
  const { you, settings, counts, pins, poll, paid, goal, cut } = snapshot;
  const next = { ...room, you, settings, counts, pins, poll, paid, goal, cut };
  if (recovered) return { ...next, entries: afterCut(room.entries, cut) };
  const messages = (snapshot.messages ?? []).filter((message): message is Message => !isTombstone(message)).sort((a, b) => a.seq - b.seq);
  const pending = room.entries.filter((entry) => entry.own !== null);
  const fresh = messages.map(entryOf);
  const known = new Set(messages.map((message) => message.id));
  const entries = [...fresh, ...pending.filter((entry) => !known.has(entry.message.id))];
  return { ...next, entries: afterCut(entries, cut), older: messages[0]?.seq ?? null, pace: calm };
}

function entryOf(message: Message): Entry {
  return { key: message.id, message, own: null, quiet: false };
}

function heard(room: Room, event: RoomEvent, now: number, sampled: boolean): Room {
  switch (event.t) {
    case "message":
      return isTombstone(event) ? gone(room, new Set([event.id])) : arrived(room, event, now, sampled);
    case "edit":
      return edited(room, event.id, { text: event.text, mentions: event.mentions ?? [], edited_at: event.edited_at });
    case "delete":
      return gone(room, new Set(event.ids));
    case "purge":
      return { ...room, entries: unquoted(room.entries, (message) => message.user.id !== event.user || message.seq > event.through) };
    case "clear":
      return { ...room, cut: event.through, entries: unquoted(room.entries, (message) => message.seq > event.through) };
    case "pins":
      return { ...room, pins: event.pins };
    case "settings":
      return { ...room, settings: event.settings };
    case "counts":
      return { ...room, counts: { viewers: event.viewers, chatters: event.chatters } };
    case "poll":
      return { ...room, poll: event.poll };
    case "paid":
      return { ...room, paid: event.entries };
    case "goal":
      return { ...room, goal: event.goal };
    default:
      return room;
  }
}

/** What a clear cut away; paid messages and own ones on their way stay. */
function afterCut(entries: readonly Entry[], cut: number): readonly Entry[] {
  return entries.filter(({ message, own: mine }) => mine !== null || message.seq > cut || message.kind === "paid");
}

/** Keeps what passes, and what was paid for or is on its way; who quoted the rest quotes nothing any more. */
function unquoted(entries: readonly Entry[], passes: (message: Message) => boolean): readonly Entry[] {
  const stays = ({ message, own: mine }: Entry) => mine !== null || message.kind === "paid" || passes(message);
  const lost = new Set(entries.flatMap((entry) => (stays(entry) ? [] : [entry.message.id])));
  return lost.size === 0 ? entries : entries.filter(stays).map((entry) => withoutQuote(entry, lost));
}

function withoutQuote(entry: Entry, lost: ReadonlySet<string>): Entry {
  const { reply } = entry.message;
  return reply && lost.has(reply.id) ? { ...entry, message: { ...entry.message, reply: { ...reply, text: "" } } } : entry;
}

function arrived(room: Room, message: Message, now: number, sampled: boolean): Room {
  const at = known(room.entries, message, room.you?.id);
  if (at >= 0) return placed(room, at, message);
  const { pace, shown } = sampled && !matters(room, message) ? paced(room.pace, now) : { pace: room.pace, shown: true };
  return { ...room, pace, entries: inserted(room.entries, { ...entryOf(message), quiet: !shown }) };
}

/** Where the message already stands: by its id, or as an own one on its way whose answer has not come yet. */
function known(entries: readonly Entry[], message: Message, me: string | undefined): number {
  for (let at = entries.length - 1; at >= 0; at--) if (entries[at]?.message.id === message.id) return at;
  if (message.user.id !== me) return -1;
  return entries.findIndex((entry) => entry.own?.state === "sending" && entry.message.text.trim() === message.text);
}

/** An entry whose message is now in the room, at its place by `seq`. */
function placed(room: Room, at: number, message: Message): Room {
  const before = room.entries[at];
  if (!before) return room;
  // Deleted is deleted, even if an older copy of the message comes by.
  const text = before.message.deleted ? { deleted: true, text: "" } : {};
  const entry: Entry = { ...before, own: null, message: { ...message, ...text } };
  if (before.own === null && before.message.seq === message.seq) return { ...room, entries: room.entries.with(at, entry) };
  return { ...room, entries: inserted(room.entries.toSpliced(at, 1), entry) };
}

/** By `seq`, before own messages that are not there yet. */
function inserted(entries: readonly Entry[], entry: Entry): readonly Entry[] {
  let at = entries.length;
  for (; at > 0; at--) {
    const before = entries[at - 1];
    if (before && before.own === null && before.message.seq <= entry.message.seq) break;
  }
  return at === entries.length ? [...entries, entry] : entries.toSpliced(at, 0, entry);
}

/** Never passed over in a rush: paid and announced ones, those to or from me, and those of the people who run the room. */
function matters({ you }: Room, { kind, user, mentions, reply }: Message): boolean {
  if (kind !== "message" && kind !== "action") return true;
  if (atLeast(user.role, "vip")) return true;
  return you !== null && (user.id === you.id || reply?.user === you.id || (mentions ?? []).includes(you.id));
}

function edited(room: Room, id: string, change: Partial<Message>): Room {
  const at = room.entries.findIndex((entry) => entry.message.id === id);
  const before = room.entries[at];
  if (!before || before.message.deleted) return room;
  return { ...room, entries: room.entries.with(at, { ...before, message: { ...before.message, ...change } }) };
}

function gone(room: Room, ids: ReadonlySet<string>): Room {
  if (!room.entries.some((entry) => ids.has(entry.message.id))) return room;
  const entries = room.entries.map((entry) => {
    if (!ids.has(entry.message.id) || entry.message.deleted) return withoutQuote(entry, ids);
    return { ...entry, message: { ...entry.message, deleted: true, text: "", reply: null, mentions: [] } };
  });
  return { ...room, entries };
}

function told(room: Room, event: PersonalEvent): Room {
  switch (event.t) {
    case "you":
      return { ...room, you: event };
    case "shadow":
      return arrived(room, event.message, 0, false);
    case "held": {
      if ("message" in event) return room;
      if (event.state === "approved") return room;
      const entry = room.entries.find(({ message, own: mine }) => mine?.state === "held" && message.id === event.id);
      return entry?.own ? own(room, entry.own.nonce, { state: "denied", refusal: null }) : room;
    }
    default:
      return room;
  }
}

function own(room: Room, nonce: string, change: Partial<Own>): Room {
  const at = room.entries.findIndex((entry) => entry.own?.nonce === nonce);
  const before = room.entries[at];
  if (!before?.own) return room;
  return { ...room, entries: room.entries.with(at, { ...before, own: { ...before.own, ...change } }) };
}

function answered(room: Room, nonce: string, answer: Sent): Room {
  const at = room.entries.findIndex((entry) => entry.own?.nonce === nonce);
  const before = room.entries[at];
  if (!before?.own) return room;
  if (answer.state === "command") return { ...room, entries: room.entries.toSpliced(at, 1) };
  const there = room.entries.some((entry) => entry.own === null && entry.message.id === answer.id);
  if (there) return { ...room, entries: room.entries.toSpliced(at, 1) };
  if (answer.state === "held") {
    const held: Entry = { ...before, own: { ...before.own, state: "held" }, message: { ...before.message, id: answer.id } };
    return { ...room, entries: room.entries.with(at, held) };
  }
  return placed(room, at, { ...before.message, id: answer.id, seq: answer.seq, at: answer.at });
}

function withHistory(room: Room, messages: (Message | Tombstone)[], next: number | null): Room {
  const here = new Set(room.entries.map((entry) => entry.message.id));
  const fresh = messages
    .filter((message): message is Message => !isTombstone(message) && !here.has(message.id))
    .sort((a, b) => a.seq - b.seq)
    .map(entryOf);
  return { ...room, older: next, entries: afterCut([...fresh, ...room.entries], room.cut) };
}

/** What a reader sees of the room's messages: without what was passed over, is gone, or is only on its way. */
export function visible(room: Room): Message[] {
  return room.entries.filter(({ message, own: mine }) => mine === null && !message.deleted && message.seq > 0).map((entry) => entry.message);
}
