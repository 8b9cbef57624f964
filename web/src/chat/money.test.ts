import { expect, test } from "vitest";
import { money } from "./money";

test("minor units are written as the currency has them", () => {
  expect(money("ko", 10_000, "KRW")).toBe("₩10,000");
  expect(money("en", 500, "USD")).toBe("$5.00");
  expect(money("en", 500, "??")).toBe("500 ??");
});
