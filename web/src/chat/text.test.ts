import { describe, expect, test } from "vitest";
import { isBig, lettersOf, runsOf } from "./text";

describe("a text's runs", () => {
  test("join to the text", () => {
    for (const text of ["", "안녕", "@미나 어서 와 https://example.org/a?b=1.", "a@b.co http://", "<b>https://x.io</b>", "@@@ @- @a@b"]) {
      expect(runsOf(text).map((run) => run.text).join("")).toBe(text);
    }
  });

  test("find names and links", () => {
    expect(runsOf("@미나 봐 https://example.org/곡, 좋아")).toEqual([
      { kind: "mention", text: "@미나" },
      { kind: "words", text: " 봐 " },
      { kind: "link", text: "https://example.org/곡", href: "https://example.org/%EA%B3%A1" },
      { kind: "words", text: ", 좋아" },
    ]);
  });

  test.each([
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "https://user:word@evil.example",
    "http://localhost",
    "vbscript:x",
    "//evil.example",
    '"><img src=x onerror=alert(1)>',
  ])("make no link of %s", (text) => {
    expect(runsOf(text).some((run) => run.kind === "link")).toBe(false);
  });

  test("take an address of mail for words", () => {
    expect(runsOf("a@b.co").every((run) => run.kind === "words")).toBe(true);
  });
});

test("few emoji are big, words are not", () => {
  for (const text of ["🎉", "🎉🎉🎉", "👨‍👩‍👧", "🇰🇷 ❤️", "👏🏽"]) expect(isBig(text)).toBe(true);
  for (const text of ["", " a", "🎉!", "1", "🎉🎉🎉🎉🎉", "12#*"]) expect(isBig(text)).toBe(false);
});

test("letters are what a reader counts", () => {
  expect(lettersOf("안녕")).toBe(2);
  expect(lettersOf("👨‍👩‍👧🇰🇷")).toBe(2);
  expect(lettersOf("각")).toBe(1);
});
