import { expect, test } from "vitest";
import type { Channel, Live } from "../api/types";
import { liveAfter, outdated } from "./channel";

const offline: Live = { state: "offline", viewers: 0, began_at: null, broadcast_id: null };
const line = { id: "c", slug: "sori", state: "live" as const, viewers: 3, began_at: "2026-01-01T00:00:00Z", broadcast_id: "b" };

test("a broadcast begins", () => {
  expect(liveAfter("c", offline, { type: "stream", event: "began", ...line })).toEqual({ state: "live", viewers: 3, began_at: line.began_at, broadcast_id: "b" });
});

test("an ended one is offline, whatever else the line says", () => {
  expect(liveAfter("c", offline, { type: "stream", event: "ended", ...line, state: "ended" })).toEqual(offline);
});

test("counts move alone", () => {
  expect(liveAfter("c", offline, { type: "viewers", id: "c", slug: "sori", viewers: 9 })?.viewers).toBe(9);
});

test("the first snapshot holds for the channel that it names", () => {
  expect(liveAfter("c", offline, { type: "hello", channels: [line] })?.state).toBe("live");
  expect(liveAfter("d", offline, { type: "hello", channels: [line] })).toBeNull();
});

test("other channels' news is none", () => {
  expect(liveAfter("d", offline, { type: "stream", event: "began", ...line })).toBeNull();
});

test("texts that changed before the feed was open are read again", () => {
  const texts = { name: "Sori", title: "Morning", category: "music", visibility: "public" };
  const channel = { id: "c", ...texts } as unknown as Channel;
  expect(outdated(channel, { type: "hello", channels: [{ ...line, ...texts }] })).toBe(false);
  expect(outdated(channel, { type: "hello", channels: [{ ...line, ...texts, title: "Evening" }] })).toBe(true);
  expect(outdated(channel, { type: "hello", channels: [{ ...line, id: "d", title: "Evening" }] })).toBe(false);
  expect(outdated(channel, { type: "hello", channels: [line] })).toBe(false);
});
