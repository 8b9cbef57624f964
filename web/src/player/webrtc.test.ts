import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { EngineEvents } from "./engine";
import { sourceOf } from "./engine";

const page = window as Window & { madangWhep?: { url: string; connection: object; answer: Promise<Response>; set: Promise<void> } };
const quiet: EngineEvents = { onFailure: () => undefined, onEnd: () => undefined, onQualities: () => undefined, onArrival: () => undefined };

class Connection extends EventTarget {
  static made: Connection[] = [];
  connectionState = "new";
  constructor() {
    super();
    Connection.made.push(this);
  }
  addTransceiver = () => ({ receiver: { track: {} } });
  createOffer = () => Promise.resolve({ type: "offer", sdp: "v=0" });
  setLocalDescription = () => Promise.resolve();
  setRemoteDescription = () => Promise.resolve();
  getTransceivers = () => [];
  getStats = () => Promise.resolve(new Map());
  close = () => {
    this.connectionState = "closed";
  };
}

let asked: string[] = [];

beforeEach(() => {
  asked = [];
  Connection.made = [];
  vi.useFakeTimers();
  vi.stubGlobal("RTCPeerConnection", Connection);
  vi.stubGlobal("MediaStream", class { addTrack = () => undefined; });
  vi.stubGlobal("fetch", (url: string, { method }: { method: string }) => {
    asked.push(`${method} ${url}`);
    return Promise.resolve(new Response("v=0", { status: 201, headers: { Location: `${url}/one` } }));
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

test("on other pages nothing is begun", async () => {
  const engineFor = await loaded();
  expect(Connection.made).toEqual([]);
  engineFor("sori").start();
  expect(Connection.made).toHaveLength(1);
});
