import { afterEach, expect, test, vi } from "vitest";
import { takeAsked } from "./early";

const page = window as Window & { madangEarly?: unknown; madangWhep?: { url: string; answer: Promise<Response>; set: Promise<void> } };

afterEach(() => {
  delete page.madangEarly;
  delete page.madangWhep;
  vi.unstubAllGlobals();
});

test("what was asked ahead is given once", () => {
  const asked = { answer: Promise.resolve(new Response()), stopped: new AbortController() };
  page.madangEarly = { [new URL("/live/sori.flv", location.href).href]: asked };
  expect(takeAsked("/live/other.flv")).toBeNull();
  expect(takeAsked("/live/sori.flv")).toBe(asked);
  expect(takeAsked("/live/sori.flv")).toBeNull();
});

test("without anything asked ahead there is nothing", () => {
  expect(takeAsked("/live/sori.flv")).toBeNull();
});

const PLAYLIST = `#EXTM3U
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.500
#EXT-X-PART-INF:PART-TARGET=0.500
#EXT-X-MAP:URI="i0.mp4"
#EXT-X-PART:DURATION=0.500,URI="p0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.500,URI="p1.m4s"
#EXT-X-PART:DURATION=0.500,URI="p2.m4s"
#EXT-X-PART:DURATION=0.500,URI="p3.m4s"
#EXTINF:2.0,
s0.m4s
#EXT-X-PART:DURATION=0.500,URI="p4.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.500,URI="p5.m4s"
`;

/** Runs `boot.js` on a page with this state; what it asked for, in order. */
async function booted(path: string, state: object, engine?: string): Promise<string[]> {
  const asked: string[] = [];
  const answers: Record<string, string> = { "/live/sori/whep?token=a.b.c": "a=msid:madang video\r\na=msid:madang audio\r\na=ssrc:1 msid:madang audio\r\n",  "/live/sori/index.m3u8": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nb1/main/index.m3u8?s=x\n", "/live/sori/b1/main/index.m3u8?s=x": PLAYLIST };
  vi.stubGlobal("MediaSource", {});
  vi.stubGlobal("fetch", (url: string) => {
    const { pathname, search } = new URL(url, location.href);
    asked.push(pathname + search);
    return Promise.resolve(new Response(answers[pathname + search] ?? ""));
  });
  history.replaceState(null, "", path);
  localStorage.setItem("madang.preferences", JSON.stringify(engine ? { engine } : {}));
  document.head.innerHTML = "";
  const block = document.createElement("script");
  block.type = "application/json";
  block.id = "state";
  block.textContent = JSON.stringify(state);
  document.head.append(block);
  vi.resetModules();
  await import("../boot.js");
  await new Promise((resolve) => setTimeout(resolve, 20));
  return asked;
}

const live = { channel: { slug: "sori", live: { state: "live" } } };

test("the media of a live channel are asked for from the last keyframe before the hold-back on", async () => {
  const at = "/live/sori/b1/main/";
  expect(await booted("/@sori", live)).toEqual(["/live/sori/index.m3u8", `${at}index.m3u8?s=x`, `${at}i0.mp4`, ...[0, 1, 2, 3, 4, 5].map((part) => `${at}p${part}.m4s`)]);
});

test("one request opens HTTP-FLV, with the token of the page", async () => {
  expect(await booted("/embed/sori?token=a.b.c", live, "flv")).toEqual(["/live/sori.flv?token=a.b.c"]);
});

test("WebRTC's offer is posted, in stereo, with the token of the page, its answer set, the sound apart, and both handed on", async () => {
  const [ours, theirs] = [vi.fn(() => Promise.resolve()), vi.fn(() => Promise.resolve())];
  vi.stubGlobal(
    "RTCPeerConnection",
    class {
      addTransceiver = vi.fn();
      createOffer = () => Promise.resolve({ sdp: "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10\r\n" });
      setLocalDescription = ours;
      setRemoteDescription = theirs;
    },
  );
  expect(await booted("/@sori?token=a.b.c", live, "webrtc")).toEqual(["/live/sori/whep?token=a.b.c"]);
  expect(page.madangWhep?.url).toBe("/live/sori/whep?token=a.b.c");
  expect((await page.madangWhep?.answer)?.ok).toBe(true);
  expect(ours).toHaveBeenCalledWith({ type: "offer", sdp: "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;stereo=1;sprop-stereo=1\r\n" });
  await page.madangWhep?.set;
  expect(theirs).toHaveBeenCalledWith({ type: "answer", sdp: "a=msid:madang video\r\na=msid:sound audio\r\na=ssrc:1 msid:sound audio\r\n" });
});

test.each([
  ["a channel that is not live", "/@sori", { channel: { slug: "sori", live: { state: "offline" } } }],
  ["a page without a picture", "/embed/sori/chat", live],
  ["a page without a state", "/@sori", {}],
])("nothing is asked for on %s", async (_, path, state) => {
  expect(await booted(path, state)).toEqual([]);
});
