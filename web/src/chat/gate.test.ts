import { expect, test } from "vitest";
import { gateOf, slowFor } from "./gate";
import { FakeRoom, person, settings, youAre } from "./room.fake";
import { emptyRoom, reduce, type Room } from "./room";
import type { Settings, You } from "./wire";

const NOW = 1_790_000_000_000;

function room(change: Partial<Settings>, you: Partial<You> = {}): Room {
  return { ...emptyRoom, link: { state: "open", code: 0 }, you: youAre("me", ["send"], you), settings: { ...settings, ...change } };
}

test.each<[string, Partial<Settings>, Partial<You>, ReturnType<typeof gateOf>]>([
  ["an open room", {}, {}, null],
  ["a frozen room", { frozen: "all" }, { role: "vip" }, { word: "frozen", value: null }],
  ["a frozen room's manager", { frozen: "all" }, { role: "manager" }, null],
  ["a room frozen for guests", { frozen: "guests" }, { role: "guest" }, { word: "frozen", value: null }],
  ["a viewer where guests are frozen", { frozen: "guests" }, {}, null],
  ["a viewer where viewers are frozen", { frozen: "viewers" }, {}, { word: "frozen", value: null }],
  ["a subscriber where subscribers are frozen", { frozen: "subscribers" }, { role: "subscriber" }, { word: "frozen", value: null }],
  ["a VIP where subscribers are frozen", { frozen: "subscribers" }, { role: "vip" }, null],
  ["a guest where guests are off", { guests: false }, { role: "guest" }, { word: "guests_off", value: null }],
  ["a viewer among subscribers", { subscribers_only: true }, {}, { word: "subscribers_only", value: null }],
  ["somebody who does not follow", { followers_min: 0 }, {}, { word: "followers_only", value: null }],
  ["a new follower", { followers_min: 10 }, { followed_at: NOW - 60_000 }, { word: "followers_only", value: 540 }],
  ["an old follower", { followers_min: 10 }, { followed_at: NOW - 700_000 }, null],
  ["somebody banned", {}, { muted: { code: 1001, word: "banned", until: null, reason: "" } }, { word: "banned", value: null }],
  ["somebody timed out", {}, { muted: { code: 1002, word: "timed_out", until: NOW + 90_000, reason: "" } }, { word: "timed_out", value: 90 }],
  ["somebody whose time is over", {}, { muted: { code: 1002, word: "timed_out", until: NOW - 1, reason: "" } }, null],
])("%s", (_, change, you, gate) => {
  expect(gateOf(room(change, you), NOW)).toEqual(gate);
});

test("a room that is not here yet, or not any more", () => {
  expect(gateOf(emptyRoom, NOW)?.word).toBe("connecting");
  expect(gateOf({ ...room({}), link: { state: "ended", code: 4500 } }, NOW)?.word).toBe("ended");
});

test("slow mode counts from the last message that was taken", () => {
  const fake = new FakeRoom();
  fake.clock = NOW - 4000;
  const said = reduce(room({ slow_s: 10 }), { type: "event", event: fake.say(person("me"), "하나"), now: 0, sampled: false });
  expect(slowFor(said, NOW)).toBe(7);
  expect(slowFor(said, NOW + 60_000)).toBe(0);
  const refused = reduce(reduce(room({ slow_s: 10 }), { type: "send", nonce: "n", message: { id: "", seq: 0, at: NOW, kind: "message", user: person("me"), text: "둘" } }), {
    type: "refused",
    nonce: "n",
    refusal: { code: 1003, word: "slow_mode", value: 3 },
  });
  expect(slowFor(refused, NOW)).toBe(0);
  expect(slowFor({ ...said, you: youAre("me", ["send"], { role: "vip" }) }, NOW)).toBe(0);
});
