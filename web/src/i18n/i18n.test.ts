import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { en } from "./en";
import { browserLanguage, translator, type Key } from "./index";
import { ko } from "./ko";
import { ago, bitrate, bytes, clock, liveFor } from "./moments";

const keys = Object.keys(en) as Key[];

function places(text: string): string[] {
  return [...text.matchAll(/\{(\w+)/g)].map((found) => found[1] ?? "").sort();
}

describe("both languages", () => {
  test("say the same things", () => {
    expect(Object.keys(ko).sort()).toEqual([...keys].sort());
  });

  test("leave the same places for values", () => {
    const strange = keys.filter((key) => {
      const known = new Set(places(en[key]));
      return places(ko[key]).some((place) => !known.has(place));
    });
    expect(strange).toEqual([]);
  });

  test("Korean speaks in one voice, and never leaves the reader to choose a particle", () => {
    const other = keys.filter((key) => /니다|십시오|[은이을으]\([가는를으]?로?\)|\((?:은|는|이|가|을|를|으)\)/.test(ko[key]));
    expect(other).toEqual([]);
  });
});

test("every key is said somewhere", () => {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((file) => /\.tsx?$/.test(file) && !/i18n\/(en|ko)|\.test\.|schema\.d/.test(file));
  const text = files.map((file) => readFileSync(join("src", file), "utf8")).join("\n");
  const said = new Set([...text.matchAll(/"([\w.:]+)"/g)].map((found) => found[1]));
  // `a.${b}.c` says every key of that shape.
  const shapes = [...text.matchAll(/`(\w+\.[\w.]*(?:\$\{[^`}]+\}[\w.]*)+)`/g)].map((found) => new RegExp(`^${(found[1] ?? "").replaceAll(".", "\\.").replace(/\$\{[^}]+\}/g, "[\\w.:]+")}$`));
  expect(keys.filter((key) => !said.has(key) && !shapes.some((shape) => shape.test(key)))).toEqual([]);
});

test("chooses by number and writes numbers as the language does", () => {
  const t = translator("en");
  expect(t("viewers.count", { n: 1 })).toBe("1 viewer");
  expect(t("viewers.count", { n: 1284 })).toBe("1,284 viewers");
  expect(translator("ko")("viewers.count", { n: 1284 })).toBe("1,284명");
});

test("takes the first language of the browser that it speaks", () => {
  expect(browserLanguage(["fr", "ko-KR", "en"])).toBe("ko");
  expect(browserLanguage(["de"])).toBe("en");
});

test("tells times and sizes", () => {
  const t = translator("ko");
  expect(clock(6127)).toBe("1:42:07");
  expect(clock(9)).toBe("0:09");
  expect(liveFor(t, 6127)).toBe("1시간 42분째");
  expect(liveFor(t, 20)).toBe("방금 시작");
  expect(ago(t, "2026-01-01T00:00:00Z", Date.parse("2026-01-01T03:00:00Z"))).toBe("3시간 전");
  expect(bitrate(6_100_000)).toBe("6.1\u00a0Mbit/s");
  expect(bytes(150_000_000)).toBe("143 MB");
});
