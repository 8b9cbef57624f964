import { expect, test } from "vitest";
import { offered, parsed, tierOf, type Price } from "./amounts";

const tier = (n: number, amount: number) => ({ tier: n, amount, color: "#000", header: "#000", letters: 10, pin_s: 0, effect: "" });
const won: Price = { currency: "KRW", digits: 0, step: 100, most: 500_000, tiers: [tier(1, 1000), tier(2, 2000), tier(3, 5000)] };
const dollars: Price = { currency: "USD", digits: 2, step: 1, most: 50_000, tiers: [tier(1, 100), tier(2, 200)] };

test("finds the tier of an amount", () => {
  expect(tierOf(won, 1000)?.tier).toBe(1);
  expect(tierOf(won, 4900)?.tier).toBe(2);
  expect(tierOf(won, 500_000)?.tier).toBe(3);
  for (const bad of [0, 999, 1050, 500_100, Number.NaN, -1000, 1000.5]) expect(tierOf(won, bad)).toBeNull();
});

test("reads what people type", () => {
  expect(parsed(won, "10,000")).toBe(10_000);
  expect(parsed(won, "10.5")).toBeNaN();
  expect(parsed(dollars, "12.5")).toBe(1250);
  expect(parsed(dollars, "1.005")).toBeNaN();
  for (const bad of ["", "-5", "1e3", "0x10", "٣"]) expect(parsed(dollars, bad)).toBeNaN();
});

test("offers where tiers begin", () => {
  expect(offered(won).map((each) => each.amount)).toEqual([1000, 2000, 5000]);
});
