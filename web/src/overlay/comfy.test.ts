import { beforeEach, expect, test, vi } from "vitest";
import "../../public/sdk/comfy.js";

type Comfy = Record<string, unknown> & { Init: (channel: string) => void; Disconnect: () => void };
type Command = { id: number; connect?: unknown; subscribe?: { channel: string }; rpc?: { method: string; data: unknown } };

const comfy = (window as unknown as { ComfyJS: Comfy }).ComfyJS;
let told: unknown[][] = [];
let asked: Command[] = [];
let lose: () => void = () => undefined;
let refuse = false;
let push: (channel: string, data: unknown) => void = () => undefined;

/** A server that says yes. */
class Socket {
  readyState = 1;
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;

  constructor() {
    push = (channel, data) => this.onmessage?.({ data: JSON.stringify({ push: { channel, pub: { data } } }) });
    lose = () => this.onclose?.();
    setTimeout(() => this.onopen?.());
  }

  send(text: string): void {
    const command = JSON.parse(text) as Command;
    asked.push(command);
    const result = command.subscribe ? { subscribe: { data: { you: { id: "me" }, poll: null } } } : command.connect ? { connect: {} } : { rpc: { data: {} } };
    const answer = refuse && command.rpc ? { error: { code: 1003, message: "slow_mode:7" } } : result;
    setTimeout(() => this.onmessage?.({ data: JSON.stringify({ id: command.id, ...answer }) }));
  }

  close(): void {
    this.onclose?.();
  }
}

const user = { id: "u.1", name: "미나", role: "subscriber", badges: ["subscriber"], color: 3 };

beforeEach(async () => {
  told = [];
  asked = [];
  refuse = false;
  vi.stubGlobal("WebSocket", Socket);
  vi.stubGlobal("fetch", (url: string) => Promise.resolve({ ok: true, json: () => Promise.resolve(url.includes("/channels/") ? { id: "01", slug: "main" } : { token: "t" }) }));
  comfy["madang"] = "http://live.example";
  for (const name of Object.keys(comfy).filter((each) => each.startsWith("on"))) comfy[name] = (...given: unknown[]) => told.push([name, ...given]);
  comfy.Init("#main");
  await vi.waitFor(() => expect(told.map(([name]) => name)).toContain("onConnected"));
  told = [];
});

test("words and commands", () => {
  push("madang_chat:01", { t: "message", id: "1", at: 5, kind: "message", user, text: "안녕" });
  push("madang_chat:01", { t: "message", id: "2", at: 6, kind: "message", user, text: "@bot !Song  next one" });
  push("madang_chat:01", { t: "message", id: "3", at: 7, kind: "message", deleted: true });
  expect(told[0]?.slice(0, 3)).toEqual(["onChat", "미나", "안녕"]);
  expect(told[0]?.[3]).toMatchObject({ subscriber: true, mod: false });
  expect(told[0]?.[5]).toMatchObject({ id: "1", channel: "main", userId: "u.1", messageType: "chat", timestamp: "5" });
  expect(told[1]?.slice(0, 4)).toEqual(["onCommand", "미나", "song", "next one"]);
  expect(told[1]?.[5]).toMatchObject({ sinceLastCommand: { any: Infinity, user: Infinity } });
  expect(told).toHaveLength(2);
});

test("money, deletions and modes", () => {
  push("madang_chat:01", { t: "message", id: "1", at: 5, kind: "paid", user, text: "!hi", paid: { amount: 5000, currency: "KRW", tier: 3 } });
  push("madang_chat:01", { t: "delete", ids: ["1", "2"] });
  push("madang_chat:01", { t: "settings", settings: { slow_s: 10, subscribers_only: true, followers_min: null, emoji_only: false, unique: false } });
  expect(told.map(([name]) => name)).toEqual(["onCheer", "onMessageDeleted", "onMessageDeleted", "onChatMode"]);
  expect(told[0]?.slice(1, 4)).toEqual(["미나", "!hi", 5000]);
  expect(told[3]?.[1]).toMatchObject({ slow: true, slowSeconds: 10, subscribers: true, followers: false });
});

test("bans and timeouts, for managers; subscribers", () => {
  const entry = { id: "a", at: 5, action: "timeout", target: "u.2", target_name: "유나", reason: "x", duration_s: 60 };
  push("madang_mod:01", { t: "audit", entry });
  push("madang_mod:01", { t: "audit", entry: { ...entry, action: "ban", duration_s: null } });
  push("madang_chat:01", { t: "role", user: "u.2", role: "subscriber", badges: [], name: "유나" });
  push("madang_chat:01", { t: "role", user: "u.2", role: "viewer", badges: [], name: "유나" });
  expect(told[0]?.slice(0, 3)).toEqual(["onTimeout", "유나", 60]);
  expect(told[1]?.slice(0, 2)).toEqual(["onBan", "유나"]);
  expect(told[2]?.slice(0, 2)).toEqual(["onSub", "유나"]);
  expect(told).toHaveLength(3);
});

test("a broken line comes back, and says so", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  try {
    lose();
    await vi.advanceTimersByTimeAsync(25_000);
    expect(told.map(([name]) => name)).toEqual(["onReconnect", "onConnected"]);
    expect(told[0]?.[1]).toBe(1);
    expect(told[1]?.[3]).toBe(false);
  } finally {
    vi.useRealTimers();
  }
});

test("what goes wrong is told, and never thrown", async () => {
  refuse = true;
  expect(await (comfy["Say"] as (text: string) => Promise<boolean>)("hello")).toBe(false);
  expect(told[0]?.[0]).toBe("onError");
  expect(String(told[0]?.[1])).toContain("slow_mode:7");
});

test("polls begin, go on and end", () => {
  const poll = { id: "p", title: "점심?", choices: ["국밥", "냉면"], counts: [1, 2], votes: 3, state: "open", created_at: 1, ends_at: null };
  push("madang_chat:01", { t: "poll", poll: { ...poll, counts: [0, 0], votes: 0 } });
  push("madang_chat:01", { t: "poll", poll });
  push("madang_chat:01", { t: "poll", poll: { ...poll, state: "ended" } });
  push("madang_chat:01", { t: "poll", poll: null });
  expect(told.map((each) => each[1])).toEqual(["begin", "progress", "end"]);
  expect(told[1]?.[3]).toEqual([
    { id: "0", title: "국밥", votes: 1 },
    { id: "1", title: "냉면", votes: 2 },
  ]);
});

test("saying and deleting", async () => {
  await (comfy["Say"] as (text: string) => Promise<boolean>)("hello");
  await (comfy["DeleteMessage"] as (id: string) => Promise<boolean>)("1");
  expect(asked.filter((each) => each.rpc).map((each) => each.rpc)).toEqual([
    { method: "chat.send", data: { channel: "01", text: "hello" } },
    { method: "chat.delete", data: { channel: "01", id: "1" } },
  ]);
  comfy.Disconnect();
});
