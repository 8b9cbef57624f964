import { expect, test } from "vitest";
import type { FeedEvent } from "../api/types";
import { translator } from "../i18n";
import { auditSentence } from "./audit";

const line: FeedEvent = { id: "1", at: "2026-01-01T00:00:00Z", kind: "account.deleted", channel_id: null, actor: { id: "a", name: "mina", display_name: "Mina", avatar_url: null }, peer: "192.0.2.1", data: { account: "b", name: "sora" } };
const kinds = ["account.changed", "channel.created", "channel.deleted", "invitation.created", "key.rotated", "link.used_first", "member.changed", "session.refused", "stream.began", "stream.kicked_by", "token.revoked"];

test.each(["en", "ko"] as const)("every kind has a sentence in %s", (language) => {
  const t = translator(language);
  for (const kind of kinds) {
    const said = auditSentence(t, { ...line, kind }, () => null);
    expect(said).not.toBe(kind);
    expect(said).not.toMatch(/[{}]/);
  }
});

test("names stand for ids, and an unknown kind for itself", () => {
  const t = translator("en");
  expect(auditSentence(t, line, (id) => (id === "b" ? "Sora" : null))).toBe("Mina deleted the account Sora.");
  expect(auditSentence(t, line, () => null)).toBe("Mina deleted the account sora.");
  expect(auditSentence(t, { ...line, actor: null, kind: "key.created", data: { mask: "ab12…" } }, () => null)).toBe("Somebody at the server made the key ab12….");
  expect(auditSentence(t, { ...line, kind: "new.kind" }, () => null)).toBe("new.kind");
});
