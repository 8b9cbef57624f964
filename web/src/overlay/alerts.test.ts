import { expect, test } from "vitest";
import { alertOf, AlertQueue, type Alert, type Options } from "./alerts";

const options: Options = { least_krw: 1000, least_usd: 100, shown_s: 8, speech: true, volume: 1, voice: "auto", lines: 12 };
const alert = (id: string): Alert => ({ id, name: "n", amount: 1, currency: "KRW", text: "", color: "#000", test: false });

test("alerts come one after another, each for its time", () => {
  const shown: (string | null)[] = [];
  const queue = new AlertQueue((each) => shown.push(each?.id ?? null));
  queue.add(alert("a"));
  queue.add(alert("b"));
  queue.add(alert("a"));
  queue.tick(0, 8);
  queue.tick(7_900, 8);
  expect(shown).toEqual(["a"]);
  queue.tick(8_000, 8);
  queue.tick(8_500, 8);
  expect(shown).toEqual(["a", null]);
  queue.tick(9_000, 8);
  expect(shown).toEqual(["a", null, "b"]);
});

test("what was taken down goes", () => {
  const shown: (string | null)[] = [];
  const queue = new AlertQueue((each) => shown.push(each?.id ?? null));
  queue.add(alert("a"));
  queue.add(alert("b"));
  queue.tick(0, 8);
  queue.forget(["a", "b"]);
  queue.tick(10, 8);
  expect(shown).toEqual(["a", null]);
  expect(queue.length).toBe(0);
});

test("so many wait and no more", () => {
  const queue = new AlertQueue(() => undefined);
  for (let each = 0; each < 300; each++) queue.add(alert(String(each)));
  expect(queue.length).toBe(100);
});

test("less than the host wants to hear of is no alert", () => {
  const paid = { amount: 999, currency: "KRW", tier: 1 };
  expect(alertOf({ id: "a", text: "", paid }, options)).toBeNull();
  expect(alertOf({ id: "a", text: "x", paid: { ...paid, amount: 1000 } }, options)?.text).toBe("x");
});
