// The official client, unmodified, mirrors maps: node maps.mjs PACKAGES BASE ENCODING TOKEN.
// Each line of its input is an order; each answer is one line of JSON.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [packages, base, encoding, token] = process.argv.slice(2);
const require = createRequire(packages);
const { Centrifuge } = require(encoding === "protobuf" ? "centrifuge/build/protobuf" : "centrifuge");
const client = new Centrifuge(`${base.replace("http", "ws")}/connection/websocket`, {
  websocket: require("ws"),
  token,
  timeout: 60000,
  minReconnectDelay: 10,
  maxReconnectDelay: 200,
});
const bytes = (value) => (encoding === "protobuf" ? new TextEncoder().encode(JSON.stringify(value)) : value);
const value = (data) => {
  if (!(data instanceof Uint8Array)) return data;
  return data.length ? JSON.parse(new TextDecoder().decode(data)) : null;
};
client.on("error", (event) => console.error("error", JSON.stringify(event)));

const known = new Map();
const seen = { syncs: 0, updates: [], subscribed: 0, recovered: [] };
const follow = (sub) => {
  sub.on("sync", (event) => {
    seen.syncs += 1;
    known.clear();
    for (const entry of event.entries) known.set(entry.key, value(entry.data));
  });
  sub.on("update", (event) => {
    seen.updates.push([event.key, event.offset, Boolean(event.removed)]);
    if (event.removed) known.delete(event.key);
    else known.set(event.key, value(event.data));
  });
  sub.on("subscribed", (event) => {
    seen.subscribed += 1;
    seen.recovered.push(event.recovered);
  });
  sub.on("error", (event) => console.error("sub", JSON.stringify(event)));
  sub.on("unsubscribed", (event) => console.error("unsubscribed", JSON.stringify(event)));
};
const PATIENCE_MS = 60000;
const until = async (done) => {
  const late = Date.now() + PATIENCE_MS;
  while (!done()) {
    if (Date.now() > late) throw new Error(`never: ${done} ${JSON.stringify([...known])} ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};
let sub = null;
let people = null;
const orders = {
  async follow({ channel, options }) {
    client.connect();
    sub = client.newMapSubscription(channel, options);
    follow(sub);
    sub.subscribe();
    await until(() => seen.syncs > 0);
  },
  async publish({ key, data }) {
    await sub.publish(key, bytes(data));
  },
  async remove({ key }) {
    await sub.remove(key);
  },
  /** Wait until a key has a value, or is gone. */
  async until({ key, data }) {
    await until(() => JSON.stringify(known.get(key)) === JSON.stringify(data));
  },
  /** The socket breaks; the client comes back by itself when it is told to. */
  async drop() {
    client.disconnect();
    await until(() => client.state === "disconnected");
  },
  async come() {
    const before = seen.subscribed;
    client.connect();
    await until(() => seen.subscribed > before);
  },
  async people({ channel, kind }) {
    people = kind === "users" ? client.newMapUsersSubscription(channel) : client.newMapClientsSubscription(channel);
    const there = new Map();
    people.on("sync", (event) => event.entries.forEach((each) => there.set(each.key, each.info?.user ?? null)));
    people.on("update", (event) =>
      event.removed ? there.delete(event.key) : there.set(event.key, event.info?.user ?? null),
    );
    people.subscribe();
    const stream = client.newSubscription(channel.slice(channel.indexOf(":") + 1));
    stream.subscribe();
    await until(() => there.size > 0);
    return { people: [...there.values()], keys: [...there.keys()] };
  },
};
for await (const line of createInterface({ input: process.stdin })) {
  const { order, ...rest } = JSON.parse(line);
  const more = await orders[order](rest);
  console.log(JSON.stringify({ known: Object.fromEntries(known), ...seen, delta: sub?._delta_negotiated, ...more }));
}
process.exit(0);
