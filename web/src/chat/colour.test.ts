import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { COLOURS, colourOf, tierOf } from "./colour";

const css = readFileSync(join(import.meta.dirname, "../ui/tokens.css"), "utf8");
const light = css.indexOf('[data-theme="light"]');
const themes = { dark: css.slice(css.indexOf(":root {"), light), light: css.slice(light) };

function valueOf(theme: string, name: string): string {
  return new RegExp(`--${name}: (#[0-9a-f]{6});`).exec(theme)?.[1] ?? "missing";
}

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

describe.each(Object.entries(themes))("on the %s theme", (_, theme) => {
  const grounds = ["surface", "raised", "paper", "money-soft", "line"].map((name) => valueOf(theme, name));

  test.each(Array.from({ length: COLOURS }, (_, index) => `nick-${index}`))("%s is read on every ground", (name) => {
    for (const ground of grounds) expect(contrast(valueOf(theme, name), ground)).toBeGreaterThanOrEqual(4.5);
  });

  test.each([1, 2, 3, 4, 5, 6, 7])("tier %i is read on its ground, and so is ink", (tier) => {
    const ground = valueOf(theme, `tier-${tier}-soft`);
    expect(contrast(valueOf(theme, `tier-${tier}`), ground)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(valueOf(theme, "ink"), ground)).toBeGreaterThanOrEqual(4.5);
  });
});

test("a colour is the chosen one, or the id's own", () => {
  expect(new Set(Array.from({ length: 64 }, (_, color) => colourOf({ id: "u", color }))).size).toBe(COLOURS);
  expect(colourOf({ id: "u", color: 2.5 })).toBe(colourOf({ id: "v", color: 2 }));
  expect(colourOf({ id: "madang.g.1" })).toBe(colourOf({ id: "madang.g.1", color: -1 }));
  expect(new Set(Array.from({ length: 400 }, (_, id) => colourOf({ id: `madang.g.${id}` }))).size).toBe(COLOURS);
  expect(tierOf(0)).toBe(tierOf(1));
  expect(tierOf(11)).toBe(tierOf(7));
});
