import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { EngineEvents } from "./engine";
import { sourceOf } from "./engine";

const page = window as Window & { madangWhep?: { url: string; connection: object; answer: Promise<Response>; set: Promise<void> } };
const quiet: EngineEvents = { onFailure: () => undefined, onEnd: () => undefined, onQualities: () => undefined, onArrival: () => undefined };

class Connection extends EventTarget {
  static made: Connection[] = [];
  connectionState = "new";
  constructor(readonly settings: RTCConfiguration = {}) {
    super();
    Connection.made.push(this);
  }
  addTransceiver = () => ({ receiver: { track: {} } });
  createOffer = () => Promise.resolve({ type: "offer", sdp: "v=0" });
  setLocalDescription = () => Promise.resolve();
  setRemoteDescription = () => Promise.resolve();
  getTransceivers = () => [];
  receivers: { track: { kind: string }; jitterBufferTarget: number | null }[] = ["audio", "video"].map((kind) => ({ track: { kind }, jitterBufferTarget: null }));
  getReceivers = () => this.receivers;
  getStats(): Promise<Map<string, object>> {
    return Promise.resolve(new Map<string, object>());
  }
  close = () => {
    this.connectionState = "closed";
  };
}

let asked: string[] = [];
let relay = "";
const sizes = { "0": { active: [{ id: "best", width: 1280, height: 720 }, { id: "q", width: 320, height: 180 }], inactive: [] } };

beforeEach(() => {
  asked = [];
  Connection.made = [];
  vi.useFakeTimers();
  vi.stubGlobal("RTCPeerConnection", Connection);
  vi.stubGlobal("MediaStream", class { addTrack = () => undefined; });
  vi.stubGlobal("fetch", (url: string, { method = "GET", body = "" }: { method?: string; body?: string } = {}) => {
    asked.push(`${method} ${url}${url.endsWith(".layer") ? body : ""}`);
    if (url.endsWith(".layer")) return Promise.resolve(method === "GET" ? Response.json(sizes) : new Response(null, { status: 204 }));
    const Link = `${relay}<stun:stun.example.org>; rel="ice-server", <${url}/one.layer>; rel="urn:ietf:params:whep:ext:core:layer"`;
    return Promise.resolve(new Response("v=0", { status: 201, headers: { Location: `${url}/one`, Link } }));
  });
});

/** The page is left, or put aside to come back to. */
function leave(persisted: boolean): void {
  dispatchEvent(Object.assign(new Event("pagehide"), { persisted }));
}

afterEach(() => {
  leave(false);
  delete page.madangWhep;
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** The engine's chunk on a page for which `boot.js` posted an offer to this endpoint. */
async function loaded(url?: string) {
  if (url !== undefined) page.madangWhep = { url, connection: new Connection(), answer: fetch(url, { method: "POST" }), set: Promise.resolve() };
  vi.resetModules();
  const { WebRtcEngine } = await import("./webrtc");
  await vi.advanceTimersByTimeAsync(0);
  return (slug: string) => new WebRtcEngine({ readyState: 0 } as HTMLVideoElement, sourceOf(slug, 0), quiet);
}

test("the engine goes on with the peer whose offer was posted early", async () => {
  const engineFor = await loaded("/live/sori/whep");
  expect(asked).toEqual(["POST /live/sori/whep"]);
  const engine = engineFor("sori");
  engine.start();
  await vi.advanceTimersByTimeAsync(0);
  expect(asked).toHaveLength(1);
  expect(Connection.made).toHaveLength(1);
  engine.destroy();
  expect(asked[1]).toBe("DELETE /live/sori/whep/one");
});

test("a peer is begun early for one engine alone", async () => {
  const engineFor = await loaded("/live/sori/whep");
  const first = engineFor("sori");
  first.start();
  first.destroy();
  engineFor("sori").start();
  await vi.advanceTimersByTimeAsync(0);
  expect(Connection.made).toHaveLength(2);
});

test("a peer of another channel, or one that failed, is let go", async () => {
  let engineFor = await loaded("/live/sori/whep");
  engineFor("other").start();
  expect(Connection.made.map(({ connectionState }) => connectionState)).toEqual(["closed", "new"]);
  engineFor = await loaded("/live/sori/whep");
  const early = Connection.made[2];
  if (early) early.connectionState = "failed";
  engineFor("sori").start();
  expect(Connection.made).toHaveLength(4);
});

test("a peer that nobody takes says goodbye", async () => {
  await loaded("/live/sori/whep");
  await vi.advanceTimersByTimeAsync(8000);
  expect(asked).toEqual(["POST /live/sori/whep", "DELETE /live/sori/whep/one"]);
});

test("a page that is left says goodbye, once", async () => {
  const engineFor = await loaded();
  engineFor("sori").start();
  await vi.advanceTimersByTimeAsync(0);
  leave(true);
  expect(asked).toEqual(["POST /live/sori/whep"]);
  leave(false);
  leave(false);
  expect(asked).toEqual(["POST /live/sori/whep", "DELETE /live/sori/whep/one"]);
});

test("the sizes that a publisher sends are offered, and one is chosen", async () => {
  const { WebRtcEngine } = await import("./webrtc");
  const video = { readyState: 4, videoHeight: 720 } as HTMLVideoElement;
  const told: string[][] = [];
  const engine = new WebRtcEngine(video, sourceOf("sori", 0), { ...quiet, onQualities: (found) => told.push(found.map(({ id }) => id)) });
  vi.spyOn(Connection.prototype, "getStats").mockResolvedValue(new Map([["v", { type: "inbound-rtp", kind: "video" }]]));
  engine.start();
  engine.pick("q");
  await vi.advanceTimersByTimeAsync(1100);
  const layer = "/live/sori/whep/one.layer";
  expect(told).toEqual([["best", "q"], ["best", "q"]]);
  expect(asked.slice(1)).toEqual([`GET ${layer}`, `POST ${layer}{"encodingId":"q"}`]);
  engine.pick("other");
  engine.pick("");
  engine.pick("");
  expect(asked.slice(3)).toEqual([`POST ${layer}{}`]);
  engine.destroy();
});

test("a server that is not reached is tried once through its relay", async () => {
  relay = '<turn:turn.example.org>; rel="ice-server"; username="9:sori"; credential="c"; credential-type="password", ';
  const { WebRtcEngine } = await import("./webrtc");
  const failures: string[] = [];
  new WebRtcEngine({ readyState: 0 } as HTMLVideoElement, sourceOf("sori", 0), { ...quiet, onFailure: (why) => failures.push(why) }).start();
  await vi.advanceTimersByTimeAsync(5100);
  relay = "";
  expect(Connection.made.map(({ settings }) => settings.iceServers?.length)).toEqual([0, 2]);
  expect(failures).toEqual([]);
  await vi.advanceTimersByTimeAsync(5100);
  expect(failures).toEqual(["unreachable"]);
  expect(Connection.made).toHaveLength(2);
});

test("on other pages nothing is begun", async () => {
  const engineFor = await loaded();
  expect(Connection.made).toEqual([]);
  engineFor("sori").start();
  expect(Connection.made).toHaveLength(1);
});

test("the picture waits for sound that is far behind it, and for no other", async () => {
  const engineFor = await loaded();
  engineFor("sori").start();
  await vi.advanceTimersByTimeAsync(0);
  const [connection] = Connection.made;
  if (!connection) throw new Error("no connection");
  let looks = 0;
  let soundS = 0.1;
  connection.getStats = () => {
    looks += 1;
    const inbound = (kind: string, emitted: number, delayS: number) => ({ type: "inbound-rtp", kind, jitterBufferEmittedCount: looks * emitted, jitterBufferDelay: looks * emitted * delayS, totalDecodeTime: 0 });
    return Promise.resolve(new Map(Object.entries({ v: inbound("video", 15, 0.01), a: inbound("audio", 24_000, soundS) })));
  };
  const targets = () => connection.receivers.map(({ jitterBufferTarget }) => jitterBufferTarget);
  await vi.advanceTimersByTimeAsync(1600);
  expect(targets()).toEqual([null, null]);
  soundS = 0.9;
  await vi.advanceTimersByTimeAsync(1000);
  expect(targets()[0]).toBeNull();
  expect(targets()[1]).toBeGreaterThan(300);
});
