import { expect, test } from "vitest";
import { ApiError } from "../api/client";
import { translator } from "../i18n";
import { sentenceFor } from "./problems";
import { sayError } from "./states";

test("a problem has its own sentence, or its family's", () => {
  expect(sentenceFor("conflict.voted")).toBe("problem.poll_voted");
  expect(sentenceFor("conflict.resolved")).toBe("problem.settled");
  expect(sentenceFor("invalid.choices")).toBe("problem.invalid");
  expect(sentenceFor("constructor")).toBeUndefined();
});

test("the server's own words are never shown: they are English in every language", () => {
  const t = translator("ko");
  for (const [status, code] of [
    [403, "scope"],
    [409, "too_many_keys"],
    [418, "new_kind"],
    [502, "unknown"],
  ] as const) {
    expect(sayError(t, new ApiError(status, code, "This token may not do this."))).toMatch(/[가-힣]/);
  }
});
