// On a page of another site: the official client's builds for browsers, unmodified, one client for each way at once.
/* global Centrifuges */

const bytes = (way, value) => (way.encoding === "protobuf" ? new TextEncoder().encode(JSON.stringify(value)) : value);
const value = (data) => (data instanceof Uint8Array ? JSON.parse(new TextDecoder().decode(data)) : data);
const once = (thing, event) => new Promise((resolve) => thing.once(event, resolve));
const ways = new Map();

/** Connects, talks, and says what it saw. */
async function talk(base, way) {
  const scheme = way.transport === "websocket" ? base.replace("http", "ws") : base;
  const client = new Centrifuges[way.encoding](
    [{ transport: way.transport, endpoint: `${scheme}/connection/${way.transport}` }],
    { emulationEndpoint: `${base}/emulation`, token: way.token, minReconnectDelay: 50, maxReconnectDelay: 500 },
  );
  const room = client.newSubscription(way.channel, { recoverable: true, joinLeave: true });
  const one = { client, room, publications: [], joins: [], recoveries: [], losses: [], errors: [] };
  ways.set(way.name, one);
  client.on("error", (event) => one.errors.push(event.error.message));
  client.on("connecting", (event) => one.losses.push(event.code));
  room.on("publication", (event) => one.publications.push([value(event.data).number, event.offset]));
  room.on("join", (event) => one.joins.push(event.info.user));
  room.on("subscribed", (event) => one.recoveries.push([event.wasRecovering, event.recovered]));
  const connected = once(client, "connected");
  const subscribed = once(room, "subscribed");
  client.connect();
  room.subscribe();
  const { transport } = await connected;
  const { positioned, recoverable } = await subscribed;
  for (let number = 0; number < 5; number++) await room.publish(bytes(way, { number }));
  await heard(one, 5);
  const history = (await room.history({ limit: 2, reverse: true })).publications.map((each) => each.offset);
  const presence = Object.values((await room.presence()).clients).map((each) => each.user);
  const { numClients } = await room.presenceStats();
  const refused = await client.publish("closed:1", bytes(way, {})).catch((error) => error.code);
  return { transport, positioned, recoverable, history, presence, numClients, refused };
}

async function heard(one, count) {
  while (one.publications.length < count) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** What it heard of eight publications, three of them while it was away. */
async function finish(way) {
  const one = ways.get(way.name);
  await heard(one, 8);
  const { publications, joins, recoveries, losses, errors } = one;
  one.client.disconnect();
  return { publications, joins, recoveries, losses, errors };
}

/** Side by side; a way that fails or does not come to an end says so, and the others go on. */
const together = async (all, act) =>
  Object.fromEntries(
    await Promise.all(
      all.map(async (way) => {
        const late = new Promise((resolve) => setTimeout(resolve, 90_000, { failed: "late", errors: ways.get(way.name)?.errors }));
        return [way.name, await Promise.race([act(way).catch((error) => ({ failed: String(error) })), late])];
      }),
    ),
  );

window.begin = (base, all) => together(all, (way) => talk(base, way));
window.end = (all) => together(all, finish);
window.away = () => [...ways.values()].every((one) => one.client.state === "connecting");
window.knock = (url) =>
  new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onopen = () => resolve("open");
    socket.onclose = () => resolve("closed");
  });

/** What a page elsewhere can make a browser send with its visitor's cookies: none of it may be taken. */
window.forge = async (base) => {
  const channels = `${base}/api/v1/channels`;
  const slug = (name) => JSON.stringify({ slug: name });
  const simple = { credentials: "include", mode: "no-cors", method: "POST" };
  const tries = [
    fetch(channels, { ...simple, body: slug("forged-text") }),
    fetch(channels, { ...simple, body: new Blob([slug("forged-blob")]) }),
    fetch(channels, { ...simple, body: new URLSearchParams({ slug: "forged-form" }) }),
    fetch(`${channels}?slug=forged-query&_method=POST`, { credentials: "include", mode: "no-cors" }),
    fetch(channels, { ...simple, mode: "cors", headers: { "Content-Type": "application/json" }, body: slug("forged-json") }),
    fetch(channels, { ...simple, mode: "cors", headers: { "X-Madang": "1" }, body: slug("forged-header") }),
    fetch(channels, { ...simple, mode: "cors", headers: { "X-HTTP-Method-Override": "PUT" }, body: slug("forged-override") }),
    fetch(`${base}/api/v1/sessions/current`, { credentials: "include", method: "DELETE" }),
  ];
  const read = await fetch(`${base}/api/v1/me`, { credentials: "include" }).then(
    () => "read",
    () => "refused",
  );
  await Promise.allSettled(tries);
  const form = document.createElement("form");
  Object.assign(form, { method: "post", enctype: "text/plain", action: channels, target: "sink" });
  const frame = Object.assign(document.createElement("iframe"), { name: "sink" });
  const field = Object.assign(document.createElement("input"), { name: '{"slug":"forged-frame","x":"', value: '"}' });
  form.append(field);
  document.body.append(frame, form);
  const loaded = once({ once: (event, then) => frame.addEventListener(event, then, { once: true }) }, "load");
  form.submit();
  await loaded;
  return { read, feed: await knock(`${base.replace("http", "ws")}/api/v1/events/ws`) };
};
