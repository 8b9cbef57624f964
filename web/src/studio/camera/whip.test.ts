import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WhipPublisher, type Sending } from "./whip";

class Connection extends EventTarget {
  static made: Connection[] = [];
  connectionState = "new";
  constructor() {
    super();
    Connection.made.push(this);
  }
  addTransceiver = () => undefined;
  getSenders = () => [];
  createOffer = () => Promise.resolve({ type: "offer", sdp: "v=0" });
  setRemoteDescription = () => Promise.resolve();
  setLocalDescription = () => Promise.resolve();
  setConfiguration(): void {
    if (this.connectionState === "closed") throw new DOMException("", "InvalidStateError");
  }
  become(state: string): void {
    this.connectionState = state;
    this.dispatchEvent(new Event("connectionstatechange"));
  }
  close(): void {
    this.connectionState = "closed";
  }
}

const media = { getTracks: () => [{ kind: "video" }] } as unknown as MediaStream;
let asked: string[] = [];
/** Answers the offer that waits longest. */
let answer: (status?: number) => Promise<void>;

beforeEach(() => {
  asked = [];
  Connection.made = [];
  const waiting: ((answer: Response) => void)[] = [];
  let sessions = 0;
  answer = async (status = 201) => {
    waiting.shift()?.(new Response("v=0", { status, headers: { Location: `/one/${++sessions}` } }));
    await vi.advanceTimersByTimeAsync(0);
  };
  vi.useFakeTimers();
  vi.stubGlobal("RTCPeerConnection", Connection);
  vi.stubGlobal("fetch", (url: string, { method = "GET" }: { method?: string } = {}) => {
    asked.push(`${method} ${url}`);
    return method === "POST" ? new Promise<Response>((done) => waiting.push(done)) : Promise.resolve(new Response());
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function publisher(): { made: WhipPublisher; told: Sending["phase"][] } {
  const told: Sending["phase"][] = [];
  return { made: new WhipPublisher("/whip", "key", media, 1e6, ({ phase }) => told.push(phase), () => told.push("lost")), told };
}

test("who ends the broadcast before the first answer leaves no session behind, and hears no error", async () => {
  for (const status of [201, 409]) {
    const { made } = publisher();
    const started = made.start();
    await vi.advanceTimersByTimeAsync(0);
    made.stop();
    await answer(status);
    await expect(started).resolves.toBeUndefined();
  }
  expect(asked).toEqual(["POST /whip", "DELETE /one/1", "POST /whip"]);
  expect(Connection.made.map(({ connectionState }) => connectionState)).toEqual(["closed", "closed"]);
});

test("who ends it while it connects anew ends the new session as well", async () => {
  const { made, told } = publisher();
  const started = made.start();
  await vi.advanceTimersByTimeAsync(0);
  await answer();
  await started;
  Connection.made[0]?.become("connected");
  Connection.made[0]?.become("failed");
  await vi.advanceTimersByTimeAsync(500);
  expect(told).toEqual(["live", "lost"]);
  expect(asked).toEqual(["POST /whip", "POST /whip"]);
  made.stop();
  await answer();
  expect(asked.slice(2)).toEqual(["DELETE /one/1", "DELETE /one/2"]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(Connection.made).toHaveLength(2);
  expect(Connection.made[1]?.connectionState).toBe("closed");
});
