import type { Key, Translate } from "../i18n";
import type { Refusal } from "./room";

/** "40 s", "5 min", "2 h", "3 days": rounded up, so that nobody is told to come back too early. */
export function span(t: Translate, seconds: number): string {
  if (seconds < 90 && seconds !== 60) return t("chat.seconds", { n: Math.ceil(seconds) });
  if (seconds < 90 * 60 && seconds !== 3600) return t("chat.minutes", { n: Math.ceil(seconds / 60) });
  if (seconds < 36 * 3600 && seconds !== 86_400) return t("chat.hours", { n: Math.ceil(seconds / 3600) });
  return t("chat.days", { n: Math.ceil(seconds / 86_400) });
}

const plain: Record<string, Key> = {
  connecting: "chat.no.connecting",
  ended: "chat.no.ended",
  lost: "chat.no.lost",
  banned: "chat.no.banned",
  subscribers_only: "chat.no.subscribers_only",
  emoji_only: "chat.no.emoji_only",
  unique: "chat.no.unique",
  links_off: "chat.no.links_off",
  frozen: "chat.no.frozen",
  filtered: "chat.no.filtered",
  duplicate: "chat.no.duplicate",
  name_taken: "chat.no.name_taken",
  name_invalid: "chat.no.name_invalid",
  guests_off: "chat.no.guests_off",
  off: "chat.no.off",
  sign_in: "chat.no.sign_in",
  forbidden: "chat.no.forbidden",
  "permission denied": "chat.no.forbidden",
  not_found: "chat.no.not_found",
  conflict: "chat.no.conflict",
  invalid: "chat.no.invalid",
  "internal server error": "chat.no.lost",
};

const timed: Record<string, Key> = { timed_out: "chat.no.timed_out", slow_mode: "chat.no.slow_mode", rate: "chat.no.rate" };

/** A refusal as a sentence, with what is left of its time. */
export function sayRefusal(t: Translate, { code, word, value }: Refusal): string {
  const late = timed[word];
  if (late) return t(late, { time: span(t, value ?? 1) });
  if (word === "too_long") return t("chat.no.too_long", { n: value ?? 0 });
  if (word === "followers_only") return value !== null && value > 0 ? t("chat.no.followers_only.wait", { time: span(t, value) }) : t("chat.no.followers_only");
  const key = plain[word] ?? plain[word.split(":")[0] ?? ""];
  return key ? t(key) : t("chat.no.other", { code });
}
