import { expect, test } from "vitest";
import type { AuditEntry } from "../chat/wire";
import { translator } from "../i18n";
import { auditOf, reasonOf } from "./log";

const entry = (action: string, reason: string): AuditEntry => ({ id: "1", at: 1, action, actor: "a", actor_name: "유나", target: "b", target_name: "민지", reason, duration_s: null, message: "" });

test("what the server wrote is said as the pages call it", () => {
  const t = translator("ko");
  expect(reasonOf(t, entry("settings", "preset raid: slow_s, guests, preset"))).toBe(`${t("mod.preset")}: ${t("mod.preset.raid")}`);
  expect(reasonOf(t, entry("settings", "settings: links, slow_s"))).toBe(`${t("mod.set.links")}, ${t("mod.set.slow")}`);
  expect(reasonOf(t, entry("role", "vip"))).toBe(t("role.vip"));
  expect(reasonOf(t, entry("delete", "paid"))).toBe(t("mod.reason.paid"));
});

test("what somebody typed stays as it is, and no reason is none", () => {
  const t = translator("en");
  expect(reasonOf(t, entry("ban", "spam: again"))).toBe("Reason: spam: again");
  expect(reasonOf(t, entry("role", "as we said"))).toBe("Reason: as we said");
  expect(reasonOf(t, entry("ban", ""))).toBeNull();
  expect(auditOf(t, entry("ban", ""))).toBe("유나 banned 민지.");
});
