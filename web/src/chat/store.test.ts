import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FakeLine } from "./line.fake";
import { LineError, refusalOf } from "./line";
import { visible } from "./room";
import { dice, person } from "./room.fake";
import { isCommand, RoomStore } from "./store";
import type { EffectEvent } from "./wire";

let line: FakeLine;
let store: RoomStore;

beforeEach(() => {
  vi.useFakeTimers();
  line = new FakeLine();
  store = new RoomStore("c", () => line);
  store.open();
  vi.advanceTimersByTime(200);
});

afterEach(() => {
  store.close();
  vi.useRealTimers();
});

const texts = () => visible(store.snapshot()).map((message) => message.text);
const own = () => store.snapshot().entries.flatMap((entry) => (entry.own ? [entry.own.state] : []));

test("the picture moves ten times a second at most, however fast the room talks", () => {
  const moved = vi.fn();
  store.subscribe(moved);
  for (let index = 0; index < 400; index++) {
    line.tell(line.room.say(person("u"), `text ${index}`));
    vi.advanceTimersByTime(5);
  }
  vi.advanceTimersByTime(200);
  expect(moved.mock.calls.length).toBeLessThanOrEqual(22);
  expect(texts()).toHaveLength(400);
});

test("a hidden page, whose timers stand still, keeps no endless queue", () => {
  const moved = vi.fn();
  store.subscribe(moved);
  for (let index = 0; index < 1600; index++) line.tell(line.room.say(person("u"), `text ${index}`));
  expect(moved.mock.calls.length).toBe(3);
});

describe("a message", () => {
  test("is seen at once, and once", async () => {
    const sent = store.send("안녕", null);
    expect(own()).toEqual(["sending"]);
    await sent;
    vi.advanceTimersByTime(200);
    expect(own()).toEqual([]);
    expect(texts()).toEqual(["안녕"]);
  });

  test("whose answer is lost is sent again with the same nonce, and there once", async () => {
    line.deaf = true;
    await store.send("안녕", null);
    line.deaf = false;
    await vi.advanceTimersByTimeAsync(4000);
    const sends = line.asked.filter((each) => each.method === "chat.send");
    expect(sends.length).toBe(2);
    expect(new Set(sends.map((each) => each.data["nonce"])).size).toBe(1);
    expect(texts()).toEqual(["안녕"]);
    expect(own()).toEqual([]);
  });

  test("waits for the line and goes out when it is back", async () => {
    line.cut();
    await store.send("안녕", null);
    vi.advanceTimersByTime(100);
    expect(own()).toEqual(["sending"]);
    line.mend();
    await vi.advanceTimersByTimeAsync(300);
    expect(texts()).toEqual(["안녕"]);
    expect(own()).toEqual([]);
  });

  test("is given up after a while, and can be sent again by hand", async () => {
    line.answers.set("chat.send", () => {
      throw new LineError(refusalOf(1, "timeout"), true);
    });
    await store.send("안녕", null);
    await vi.advanceTimersByTimeAsync(60_000);
    const given = store.snapshot().entries.at(-1)?.own;
    expect(given).toMatchObject({ state: "refused", refusal: { word: "lost" } });
    line.answers.clear();
    store.retry(given?.nonce ?? "");
    await vi.advanceTimersByTimeAsync(300);
    expect(own()).toEqual([]);
    expect(texts()).toEqual(["안녕"]);
  });

  test("that is refused says why", async () => {
    line.answers.set("chat.send", () => {
      throw new LineError(refusalOf(1003, "slow_mode:7"), false);
    });
    await store.send("안녕", null);
    expect(store.snapshot().entries.at(-1)?.own).toMatchObject({ state: "refused", refusal: { code: 1003, word: "slow_mode", value: 7 } });
    const nonce = store.snapshot().entries.at(-1)?.own?.nonce ?? "";
    store.forget(nonce);
    expect(store.snapshot().entries).toEqual([]);
  });

  test("that is a command is no message and gives its answer", async () => {
    line.answers.set("chat.send", () => ({ state: "command", word: "slow", text: "느린 채팅 10초" }));
    expect(await store.send("/slow 10", null)).toEqual({ word: "slow", text: "느린 채팅 10초", data: undefined });
    expect(store.snapshot().entries).toEqual([]);
  });

  test("with two slashes is none", () => {
    expect(isCommand("//shrug")).toBe(false);
    void store.send("//shrug", null);
    expect(store.snapshot().entries[0]?.message.text).toBe("/shrug");
  });
});

describe("whatever is lost on the way", () => {
  test.each(Array.from({ length: 12 }, (_, seed) => seed + 1))("everything sent is there once, in the room's order (%i)", async (seed) => {
    const random = dice(seed);
    const said: string[] = [];
    let away = false;
    for (let turn = 0; turn < 120; turn++) {
      const chosen = random(10);
      if (chosen < 4) {
        const text = `mine ${turn}`;
        said.push(text);
        void store.send(text, null);
      } else if (chosen < 7) line.tell(line.room.say(person("u"), `other ${turn}`));
      else if (chosen === 7) line.deaf = !line.deaf;
      else if (chosen === 8 && !away) {
        away = true;
        line.cut();
      } else if (away) {
        away = false;
        line.mend();
      }
      await vi.advanceTimersByTimeAsync(random(900));
    }
    line.deaf = false;
    if (away) line.mend();
    await vi.advanceTimersByTimeAsync(60_000);
    for (const { own: mine } of store.snapshot().entries) if (mine) store.retry(mine.nonce);
    await vi.advanceTimersByTimeAsync(5000);
    expect(own()).toEqual([]);
    const mine = texts().filter((text) => text.startsWith("mine"));
    expect([...mine].sort()).toEqual([...said].sort());
    const order = visible(store.snapshot()).map((message) => message.seq);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });
});

test("effects pass by the state", () => {
  const drawn: EffectEvent[] = [];
  const stop = store.onEffect((effect) => drawn.push(effect));
  const effect: EffectEvent = { t: "effect", id: "e", kind: "hearts", user: "u", name: "u", at: 1, wall: 1 };
  line.tell(effect);
  stop();
  line.tell(effect);
  expect(drawn).toEqual([effect]);
});

test("another room's personal news is not taken", () => {
  const before = store.snapshot();
  line.heard?.onPersonal({ t: "held", channel: "other", id: "x", state: "denied" });
  vi.advanceTimersByTime(200);
  expect(store.snapshot()).toBe(before);
});

test("older messages are asked for once at a time, from where they begin", async () => {
  line.answers.set("chat.history", () => ({ messages: [], next: null }));
  for (let index = 0; index < 150; index++) line.room.say(person("u"), "x");
  line.cut();
  line.mend();
  store.subscribe(() => undefined);
  const fresh = new RoomStore("c", () => line);
  fresh.open();
  vi.advanceTimersByTime(200);
  await Promise.all([fresh.older(), fresh.older()]);
  expect(line.asked.filter((each) => each.method === "chat.history")).toEqual([{ method: "chat.history", data: { before: 51, limit: 100 } }]);
  await fresh.older();
  expect(line.asked).toHaveLength(1);
});

test("a refusal is a word with what goes with it", () => {
  expect(refusalOf(1001, "banned")).toEqual({ code: 1001, word: "banned", value: null });
  expect(refusalOf(409, "conflict:resolved")).toEqual({ code: 409, word: "conflict:resolved", value: null });
  expect(refusalOf(1004, "followers_only:-1")).toEqual({ code: 1004, word: "followers_only", value: -1 });
});
