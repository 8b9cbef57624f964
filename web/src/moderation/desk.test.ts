import { expect, test } from "vitest";
import { person } from "../chat/room.fake";
import type { Held, Message } from "../chat/wire";
import { after, begun, heldOf, noDuty, withWaiting } from "./desk";

const message = (id: string): Message => ({ id, seq: 1, at: 1, kind: "message", user: person("u"), text: id });
const held = (id: string): { t: "held" } & Held => ({ t: "held", message: message(id), reason: "filter" });

test("what waits is there once, until somebody decides", () => {
  let duty = begun(noDuty, { held: [held("a")], audit: [], counts: { held: 1 } });
  duty = after(after(after(duty, held("b")), held("a")), held("c"));
  expect(duty.held.map((each) => each.message.id)).toEqual(["b", "a", "c"]);
  duty = after(duty, { t: "resolved", id: "a", state: "denied", by: "유나" });
  expect(duty.held.map((each) => each.message.id)).toEqual(["b", "c"]);
});

test("the newest deed comes first, and only so many are kept", () => {
  let duty = noDuty;
  for (let index = 0; index < 300; index++) {
    duty = after(duty, { t: "audit", entry: { id: `e${index}`, at: index, action: "ban", actor: "a", actor_name: "a", target: "", target_name: "", reason: "", duration_s: null, message: "" } });
    duty = after(duty, { t: "shadow", message: message(`s${index}`) });
  }
  expect(duty.audit[0]?.id).toBe("e299");
  expect(duty.audit).toHaveLength(200);
  expect(duty.shadowed).toHaveLength(30);
});

test("a paid message waits until it is decided, or paid back", () => {
  const paid = { t: "paid_held" as const, order: "o", state: "held", user: person("u"), text: "x", paid: { amount: 1, currency: "KRW", tier: 1 }, reason: "filter" };
  const duty = after(noDuty, paid);
  expect(duty.paid).toHaveLength(1);
  expect(after(duty, { ...paid, state: "shown" }).paid).toEqual([]);
});

test("what waited before the page was opened comes first, and once", () => {
  const order = { id: "o1", state: "held", channel: "c", channel_name: "C", amount: 5000, currency: "KRW", written: "", tier: 3, color: "", text: "hi", anonymous: true, provider: "toss", test: false, created_at: 1, paid_at: 2, reason: "all", user: "u", name: "유나", payment: "", shown_at: null, pinned_until: null, refunded: 0 };
  const held = heldOf(order);
  expect(held.user.name).toBe("");
  const duty = after(noDuty, { t: "paid_held", ...held, order: "o2" });
  const whole = withWaiting(duty, [held, { ...held, order: "o2", text: "older" }]);
  expect(whole.paid.map((each) => [each.order, each.text])).toEqual([
    ["o1", "hi"],
    ["o2", "hi"],
  ]);
});
