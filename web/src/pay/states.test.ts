import { expect, test } from "vitest";
import { deedsOf, STATES, toneOf } from "./states";

test("what may be done follows the state, and paying back is the owner's", () => {
  const deeds = (state: string, owner = true, paid_at: number | null = 1) => deedsOf({ state, paid_at }, owner).join(" ");
  expect(deeds("held")).toBe("approve remove refund");
  expect(deeds("held", false)).toBe("approve remove");
  expect(deeds("shown")).toBe("remove refund");
  expect(deeds("removed")).toBe("refund");
  expect(deeds("disputed")).toBe("refund");
  for (const done of ["created", "failed", "expired"]) expect(deeds(done, true, null)).toBe("");
  expect(deeds("refunded")).toBe("");
});

test("every state has a tone", () => {
  expect(STATES.map(toneOf)).toEqual(["plain", "warn", "good", "plain", "plain", "bad", "bad", "plain"]);
});
