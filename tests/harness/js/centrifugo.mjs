// The official client, unmodified: node centrifugo.mjs PACKAGES BASE TRANSPORT ENCODING TOKEN. Says what it saw as JSON.
import { createRequire } from "node:module";

const [packages, base, transport, encoding, token] = process.argv.slice(2);
const require = createRequire(packages);
const { Centrifuge } = require(encoding === "protobuf" ? "centrifuge/build/protobuf" : "centrifuge");

/** Server-sent events over fetch: Node has none of its own. */
class Events {
  constructor(url) {
    this.gone = new AbortController();
    void this.read(url);
  }
  async read(url) {
    try {
      const answer = await fetch(url, { headers: { accept: "text/event-stream" }, signal: this.gone.signal });
      if (answer.status !== 200) throw new Error(String(answer.status));
      this.onopen?.();
      let text = "";
      for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
        text += piece;
        for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
          const data = text.slice(0, end).trim();
          if (data.startsWith("data: ")) this.onmessage?.({ data: data.slice(6) });
        }
      }
      this.onerror?.(new Error("ended"));
    } catch (error) {
      if (!this.gone.signal.aborted) this.onerror?.(error);
    }
  }
  close() {
    this.gone.abort();
  }
}

const paths = { websocket: "/connection/websocket", http_stream: "/connection/http_stream", sse: "/connection/sse" };
const scheme = transport === "websocket" ? base.replace("http", "ws") : base;
const client = new Centrifuge([{ transport, endpoint: scheme + paths[transport] }], {
  websocket: require("ws"),
  fetch,
  readableStream: ReadableStream,
  eventsource: Events,
  emulationEndpoint: `${base}/emulation`,
  token,
});
const bytes = (value) => (encoding === "protobuf" ? new TextEncoder().encode(JSON.stringify(value)) : value);
const value = (data) => (data instanceof Uint8Array ? JSON.parse(new TextDecoder().decode(data)) : data);
const once = (thing, event) => new Promise((resolve) => thing.once(event, resolve));
const said = { publications: [], joins: [], recovered: [], filtered: [], disconnected: null, server: [] };

client.on("error", (event) => console.error("error", JSON.stringify(event)));
client.on("publication", (event) => said.server.push([event.channel, value(event.data)]));
const connected = once(client, "connected");
client.connect();
said.client = (await connected).client;

const room = client.newSubscription("game:1", { recoverable: true, joinLeave: true, delta: "fossil" });
room.on("publication", (event) => said.publications.push([value(event.data), event.offset]));
room.on("join", (event) => said.joins.push(event.info.user));
room.on("error", (event) => console.error("room", JSON.stringify(event)));
const subscribed = once(room, "subscribed");
room.subscribe();
const first = await subscribed;
said.positioned = first.positioned && first.recoverable;
const until = async (count) => {
  while (said.publications.length < count) await new Promise((resolve) => setTimeout(resolve, 10));
};
const long = { story: "once upon a time there was a yard where everybody came to watch ".repeat(4) };
for (let number = 0; number < 5; number++) await room.publish(bytes({ number, ...long }));
await until(5);

const picked = client.newSubscription("game:2", { tagsFilter: { key: "kind", cmp: "eq", val: "goal" } });
picked.on("publication", (event) => said.filtered.push(value(event.data)));
const picking = once(picked, "subscribed");
picked.subscribe();
await picking;

said.history = (await room.history({ limit: 2, reverse: true })).publications.map((each) => each.offset);
said.presence = Object.values((await room.presence()).clients).map((each) => each.user);
said.stats = await room.presenceStats();
said.rpc = await client.rpc("nothing", bytes({})).catch((error) => error.code);
said.refused = await client.publish("closed:1", bytes({})).catch((error) => error.code);

// Away while another one publishes; back with what was missed.
const gone = once(client, "disconnected");
client.disconnect();
await gone;
console.log(JSON.stringify({ away: true }));
await new Promise((resolve) => process.stdin.once("data", resolve));
const again = once(room, "subscribed");
client.connect();
const back = await again;
said.recovered = [back.wasRecovering, back.recovered];
await until(8);
console.log(JSON.stringify(said));
client.disconnect();
process.exit(0);
