import { expect, test } from "vitest";
import { nextPage } from "./next";

test.each(["/studio", "/studio/live?channel=sori", "/admin/users", "/settings", "/@sori"])("goes to %s", (page) => {
  expect(nextPage(page)).toBe(page);
});

test.each([null, "", "//evil.example", "/\\evil.example", "https://evil.example", "/@a//evil.example:", "javascript:alert(1)", "/unknown"])("stays home for %s", (page) => {
  expect(nextPage(page)).toBe("/");
});
