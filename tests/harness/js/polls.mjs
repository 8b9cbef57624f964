// The official client's shared polls, unmodified: node polls.mjs PACKAGES BASE TRANSPORT ENCODING CHANNEL SECRET [DELTA].
// Takes orders as lines of JSON, and says what happens as lines of JSON.
import { createHash, createHmac } from "node:crypto";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [packages, base, transport, encoding, channel, secret, delta] = process.argv.slice(2);
const require = createRequire(packages);
const { Centrifuge } = require(encoding === "protobuf" ? "centrifuge/build/protobuf" : "centrifuge");
const say = (...words) => console.log(JSON.stringify(words));
const value = (data) => (data instanceof Uint8Array ? JSON.parse(new TextDecoder().decode(data)) : data);

let expired = false; // whether the next signature is
const sign = (keys) => {
  const lifetime = expired ? -60 : 600;
  expired = false;
  const now = Math.floor(Date.now() / 1000);
  const digest = createHash("sha256").update(keys.join("\0")).digest("hex");
  const signed = [now, now + lifetime, "", channel, digest].join("\0");
  return `${now}:${now + lifetime}:${createHmac("sha256", secret).update(signed).digest("hex")}`;
};
const paths = { websocket: "/connection/websocket", http_stream: "/connection/http_stream" };
const scheme = transport === "websocket" ? base.replace("http", "ws") : base;
const client = new Centrifuge([{ transport, endpoint: scheme + paths[transport] }], {
  websocket: require("ws"),
  fetch,
  readableStream: ReadableStream,
  emulationEndpoint: `${base}/emulation`,
  minReconnectDelay: 50,
});
const room = client.newSharedPollSubscription(channel, {
  getSignature: async ({ keys }) => {
    say("signed", keys);
    return { keys, signature: sign(keys) };
  },
  minResubscribeDelay: 50,
  ...(delta ? { delta } : {}),
});
room.on("update", (event) => say("update", event.key, event.removed ? null : value(event.data), event.version ?? 0));
room.on("subscribed", () => say("subscribed"));
room.on("subscribing", (event) => say("subscribing", event.code));
room.on("unsubscribed", (event) => say("unsubscribed", event.code));
room.on("error", (event) => say("error", event.type, event.error.code));
room.subscribe();
client.connect();

const orders = {
  track: (keys) => room.track(keys),
  untrack: (keys) => room.untrack(keys),
  expire: () => (expired = true),
  forge: (keys) => room.track(keys.map((key) => ({ key, version: 0 })), "0:0:00"),
  leave: () => client.disconnect(),
  come: () => client.connect(),
  deltas: () => say("deltas", room.deltaStats().numDeltaPayloads),
};
for await (const line of createInterface({ input: process.stdin })) {
  const [order, what] = JSON.parse(line);
  orders[order](what);
}
