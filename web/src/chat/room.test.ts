import { describe, expect, test } from "vitest";
import { dice, FakeRoom, person, settings, youAre } from "./room.fake";
import { emptyRoom, KEPT_BACK, reduce, trimmed, visible, type Action, type Room } from "./room";
import type { Goal, Message, Poll, RoomEvent, TickerEntry } from "./wire";

function run(room: Room, ...actions: Action[]): Room {
  return actions.reduce(reduce, room);
}

function event(event: RoomEvent, change: { now?: number; sampled?: boolean } = {}): Action {
  return { type: "event", event, now: change.now ?? 0, sampled: change.sampled ?? false };
}

/** What is seen from `seq` on, as one text: two views are the same or not. */
function seen(room: Room, seq: number): string {
  return visible(room)
    .filter((message) => message.seq >= seq)
    .map((message) => `${message.seq} ${message.user.id} ${message.kind} ${message.text} ${message.edited_at ?? ""}`)
    .join("\n");
}

/** From here on both views hold what there is; older messages are fetched when somebody scrolls to them. */
function both(one: Room, other: Room): number {
  return Math.max(one.older ?? 0, other.older ?? 0);
}

function draft(text: string, change: Partial<Message> = {}): Message {
  return { id: "", seq: 0, at: 0, kind: "message", user: person("me"), text, ...change };
}

function opened(fake = new FakeRoom()): Room {
  return run(emptyRoom, { type: "snapshot", snapshot: fake.snapshot(false), recovered: false });
}

describe("whatever happened, and whenever the line was cut", () => {
  test.each(Array.from({ length: 25 }, (_, seed) => seed))("a client that came back equals one that stayed (%i)", (seed) => {
    const random = dice(seed);
    const fake = new FakeRoom();
    let stayed = opened(fake);
    let dropped = opened(fake);
    let lost: number | null = null;
    for (let turn = 0; turn < 800; turn++) {
      const happened = anything(fake, random);
      if (happened) {
        stayed = trimmed(reduce(stayed, event(happened)), false);
        if (lost === null) dropped = trimmed(reduce(dropped, event(happened)), false);
      }
      if (lost === null && random(40) === 0) lost = fake.offset;
      else if (lost !== null && random(30) === 0) {
        dropped = comeBack(dropped, fake, lost);
        lost = null;
        expect(seen(dropped, both(dropped, stayed))).toBe(seen(stayed, both(dropped, stayed)));
      }
    }
    if (lost !== null) dropped = comeBack(dropped, fake, lost);
    expect(seen(dropped, both(dropped, stayed))).toBe(seen(stayed, both(dropped, stayed)));
    expect(dropped.cut).toBe(stayed.cut);
  });

  function anything(fake: FakeRoom, random: (sides: number) => number): RoomEvent | null {
    const user = person(`u${random(7)}`);
    const chosen = random(100);
    if (chosen < 74) return fake.say(user, `text ${random(1000)}`, chosen < 3 ? { kind: "paid", paid: { amount: 1000, currency: "KRW", tier: 1 } } : {});
    const message = fake.any(random);
    if (chosen < 84) return message && fake.remove([message.id]);
    if (chosen < 92) return message && fake.edit(message.id, `edited ${random(1000)}`);
    if (chosen < 95) return fake.purge(user.id);
    if (chosen < 96) return fake.clear();
    return null;
  }

  function comeBack(room: Room, fake: FakeRoom, offset: number): Room {
    const missed = fake.since(offset, 60);
    if (missed === null) return reduce(room, { type: "snapshot", snapshot: fake.snapshot(false), recovered: false });
    const back = reduce(room, { type: "snapshot", snapshot: fake.snapshot(true), recovered: true });
    return missed.reduce((at, happened) => trimmed(reduce(at, event(happened)), false), back);
  }
});

describe("an own message", () => {
  const sending: Action = { type: "send", nonce: "n", message: draft("안녕") };
  const sent: Action = { type: "answered", nonce: "n", answer: { id: "m1", seq: 1, at: 5, state: "sent" } };
  const published = event({ t: "message", ...draft("안녕", { id: "m1", seq: 1, at: 5 }) });

  test("stands last while it is on its way", () => {
    const room = run(opened(), sending, event(new FakeRoom().say(person("u"), "먼저")));
    expect(room.entries.map((entry) => [entry.message.text, entry.own?.state])).toEqual([
      ["먼저", undefined],
      ["안녕", "sending"],
    ]);
    expect(visible(room)).toHaveLength(1);
  });

  test.each<[string, Action[]]>([
    ["the answer comes first", [sending, sent, published]],
    ["the room hears it first", [sending, published, sent]],
    ["the answer comes after the line was lost", [sending, published, { type: "refused", nonce: "n", refusal: { code: 0, word: "", value: null } }]],
  ])("is there once when %s", (_, actions) => {
    const room = run(opened(), ...actions);
    expect(room.entries).toHaveLength(1);
    expect(room.entries[0]?.own).toBeNull();
    expect(room.entries[0]?.message.id).toBe("m1");
  });

  test("keeps its key, so that nothing flickers", () => {
    expect(run(opened(), sending, sent, published).entries[0]?.key).toBe("n");
  });

  test("takes its place by the room's order", () => {
    const fake = new FakeRoom();
    const first = fake.say(person("u"), "하나");
    const mine = fake.say(person("me"), "안녕");
    const last = fake.say(person("u"), "둘");
    const room = run(opened(), sending, event(first), event(last), event(mine));
    expect(visible(room).map((message) => message.text)).toEqual(["하나", "안녕", "둘"]);
  });

  test("waits, and is let in", () => {
    const held: Action = { type: "answered", nonce: "n", answer: { id: "m1", state: "held" } };
    const waiting = run(opened(), sending, held);
    expect(waiting.entries[0]?.own?.state).toBe("held");
    const approved = run(waiting, { type: "personal", event: { t: "held", channel: "c", id: "m1", state: "approved" } }, published);
    expect(approved.entries.map((entry) => entry.own)).toEqual([null]);
  });

  test("waits, and is not let in", () => {
    const held: Action = { type: "answered", nonce: "n", answer: { id: "m1", state: "held" } };
    const room = run(opened(), sending, held, { type: "personal", event: { t: "held", channel: "c", id: "m1", state: "denied" } });
    expect(room.entries[0]?.own?.state).toBe("denied");
  });

  test("is refused with a reason, sent again, or given up", () => {
    const refusal = { code: 1003, word: "slow_mode", value: 7 };
    const room = run(opened(), sending, { type: "refused", nonce: "n", refusal });
    expect(room.entries[0]?.own).toEqual({ nonce: "n", state: "refused", refusal });
    expect(run(room, { type: "resend", nonce: "n" }).entries[0]?.own?.state).toBe("sending");
    expect(run(room, { type: "forget", nonce: "n" }).entries).toEqual([]);
  });

  test("that was a command leaves no message", () => {
    expect(run(opened(), sending, { type: "answered", nonce: "n", answer: { state: "command", word: "slow", text: "" } }).entries).toEqual([]);
  });

  test("outlives a new snapshot while it is on its way", () => {
    const fake = new FakeRoom();
    fake.say(person("u"), "먼저");
    const room = run(opened(), sending, { type: "snapshot", snapshot: fake.snapshot(false), recovered: false });
    expect(room.entries.map((entry) => entry.message.text)).toEqual(["먼저", "안녕"]);
  });

  test("that only I am to see is shown to me", () => {
    const room = run(opened(), sending, sent, { type: "personal", event: { t: "shadow", channel: "c", message: draft("안녕", { id: "m1", seq: 1 }) } });
    expect(room.entries).toHaveLength(1);
  });
});

describe("moderation", () => {
  test("a deleted message stays as a mark without its text, and stays deleted", () => {
    const fake = new FakeRoom();
    const said = fake.say(person("u"), "욕설");
    const room = run(opened(), event(said), event({ t: "delete", ids: ["m000001"] }), event(said));
    expect(room.entries[0]?.message).toMatchObject({ deleted: true, text: "" });
    expect(visible(room)).toEqual([]);
  });

  test("an edit after a delete brings nothing back", () => {
    const fake = new FakeRoom();
    const said = fake.say(person("u"), "욕설");
    const room = run(opened(), event(said), event({ t: "delete", ids: ["m000001"] }), event({ t: "edit", id: "m000001", text: "또", edited_at: 1 }));
    expect(room.entries[0]?.message.text).toBe("");
  });

  test("a ban takes what was said, not what was paid for, nor what comes later", () => {
    const fake = new FakeRoom();
    const bad = person("bad");
    const actions = [fake.say(bad, "one"), fake.say(bad, "two", { kind: "paid", paid: { amount: 1, currency: "KRW", tier: 1 } }), fake.say(person("u"), "three"), fake.purge("bad"), fake.say(bad, "four")];
    expect(visible(run(opened(), ...actions.map((each) => event(each)))).map((message) => message.text)).toEqual(["two", "three", "four"]);
  });

  test("who quoted what is gone quotes nothing", () => {
    const fake = new FakeRoom();
    const said = fake.say(person("bad"), "욕설");
    const quoting = fake.say(person("u"), "왜 그래요", { reply: { id: "m000001", user: "bad", name: "bad", text: "욕설" } });
    const before = run(opened(), event(said), event(quoting));
    const ends: RoomEvent[] = [{ t: "delete", ids: ["m000001"] }, { t: "purge", user: "bad", through: 1 }, { t: "clear", through: 1, by: "x" }];
    for (const end of ends) expect(reduce(before, event(end)).entries.at(-1)?.message.reply?.text).toBe("");
  });

  test("a clear leaves what was paid for", () => {
    const fake = new FakeRoom();
    const actions = [fake.say(person("a"), "one"), fake.say(person("a"), "two", { kind: "paid", paid: { amount: 1, currency: "KRW", tier: 1 } }), fake.clear()];
    const room = run(opened(), ...actions.map((each) => event(each)));
    expect(visible(room).map((message) => message.text)).toEqual(["two"]);
    expect(room.cut).toBe(2);
  });
});

test("the room's state is replaced by what it tells", () => {
  const poll: Poll = { id: "q", title: "앙코르?", choices: ["네", "아니요"], counts: [1, 0], votes: 1, state: "open", created_at: 1, ends_at: null, ended_at: null };
  const ticket: TickerEntry = { id: "t", user: person("u"), text: "", paid: { amount: 1000, currency: "KRW", tier: 1 }, at: 1, until: 2 };
  const goal: Goal = { title: "새 가야금", amount: 100, currency: "KRW", reached: 5 };
  const room = run(
    opened(),
    event({ t: "settings", settings: { ...settings, slow_s: 30 }, by: "유나" }),
    event({ t: "counts", viewers: 1284, chatters: 41 }),
    event({ t: "pins", pins: [{ id: "p", message: draft("공지", { id: "m9", seq: 9 }), by: "유나", at: 1, until: null }] }),
    event({ t: "poll", poll }),
    event({ t: "paid", entries: [ticket] }),
    event({ t: "goal", goal }),
    { type: "personal", event: { t: "you", channel: "c", ...youAre("me", ["send", "delete"], { role: "manager" }) } },
    { type: "link", link: { state: "away", code: 0 } },
  );
  expect(room.settings?.slow_s).toBe(30);
  expect(room.counts.viewers).toBe(1284);
  expect(room.pins).toHaveLength(1);
  expect([room.poll, room.paid, room.goal]).toEqual([poll, [ticket], goal]);
  expect(room.you?.role).toBe("manager");
  expect(room.link.state).toBe("away");
});

test("an event nobody knows changes nothing", () => {
  const room = opened();
  expect(reduce(room, event({ t: "hype", level: 3 } as unknown as RoomEvent))).toBe(room);
});

describe("in a stampede", () => {
  function stampede(): Room {
    const fake = new FakeRoom();
    let room = opened(fake);
    for (let index = 0; index < 400; index++) {
      const said = index % 50 === 0 ? fake.say(person("host", { role: "owner" }), `host ${index}`) : index % 50 === 1 ? fake.say(person("u"), "@me", { mentions: ["me"] }) : fake.say(person("u"), "ㅋㅋ");
      room = reduce(room, event(said, { now: 1000 + index * 5, sampled: true }));
    }
    return room;
  }

  test("plain talk is sampled; the host and what is for me are always shown", () => {
    const shown = stampede().entries.filter((entry) => !entry.quiet);
    expect(shown.length).toBeLessThan(120);
    expect(shown.filter((entry) => entry.message.user.id === "host")).toHaveLength(8);
    expect(shown.filter((entry) => entry.message.mentions?.includes("me"))).toHaveLength(8);
  });

  test("nothing is forgotten", () => {
    expect(visible(stampede())).toHaveLength(400);
  });
});

describe("older messages", () => {
  test("come before the others, once, and without what is gone", () => {
    const fake = new FakeRoom();
    for (let index = 0; index < 250; index++) fake.say(person("u"), `text ${index}`);
    const room = opened(fake);
    expect(room.older).toBe(151);
    const page = [draft("one", { id: "m000149", seq: 149 }), { id: "m000150", seq: 150, at: 0, kind: "message" as const, deleted: true as const }, draft("again", { id: "m000151", seq: 151 })];
    const more = run(room, { type: "history", messages: page, next: 149 });
    expect(visible(more).map((message) => message.seq).slice(0, 3)).toEqual([149, 151, 152]);
    expect(more.older).toBe(149);
    expect(run(more, { type: "history", messages: [], next: null }).older).toBeNull();
  });

  test("are dropped again when the newest are followed, and fetched from where they begin", () => {
    const fake = new FakeRoom();
    let room = opened(fake);
    for (let index = 0; index < 2000; index++) room = trimmed(reduce(room, event(fake.say(person("u"), "x"))), false);
    expect(room.entries.length).toBeLessThanOrEqual(500);
    expect(room.older).toBe(room.entries.find((entry) => entry.message.kind !== "paid")?.message.seq);
    for (let index = 0; index < 5000; index++) room = trimmed(reduce(room, event(fake.say(person("u"), "x"))), true);
    expect(room.entries.length).toBeLessThanOrEqual(KEPT_BACK * 1.25);
  });
});
