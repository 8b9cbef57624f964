import { span } from "../chat/say";
import type { AuditEntry } from "../chat/wire";
import type { Key, Translate } from "../i18n";
import { dateTime, timeOfDay } from "../i18n/moments";
import { useLanguage } from "../store/language";

const told: Record<string, Key> = {
  delete: "audit.delete",
  edit: "audit.edit",
  timeout: "audit.timeout",
  untimeout: "audit.untimeout",
  ban: "audit.ban",
  unban: "audit.unban",
  shadow: "audit.shadow",
  unshadow: "audit.unshadow",
  pin: "audit.pin",
  unpin: "audit.unpin",
  clear: "audit.clear",
  settings: "audit.settings",
  preset: "audit.preset",
  announce: "audit.announce",
  approve: "audit.approve",
  approved: "audit.approve",
  deny: "audit.deny",
  denied: "audit.deny",
  ban_ip: "audit.ban_ip",
  unban_ip: "audit.unban_ip",
  role: "audit.role",
  filter: "audit.filter",
};

/** A line of the moderation log as a sentence. */
export function auditOf(t: Translate, entry: AuditEntry): string {
  const actor = entry.actor_name || t("audit.system");
  const target = entry.target_name || "–";
  return t(told[entry.action] ?? "audit.other", { actor, target, action: entry.action, time: span(t, entry.duration_s ?? 0) });
}

/** What managers did, the newest first. */
export function AuditLog({ entries, days }: { entries: readonly AuditEntry[]; days?: boolean }) {
  const { t, language } = useLanguage();
  if (entries.length === 0) return <p className="py-3 text-m text-ink-2">{t("mod.log.empty")}</p>;
  return (
    <ol className="text-m">
      {entries.map((entry) => {
        const moment = new Date(entry.at).toISOString();
        return (
          <li key={entry.id} className="flex gap-3 border-t border-line py-2.5 text-ink-2">
            <time dateTime={moment} className={days ? "num w-36 shrink-0 text-ink-3 max-sm:w-14" : "num w-13 shrink-0 text-ink-3"}>
              {days ? dateTime(language, moment) : timeOfDay(language, moment)}
            </time>
            <span className="min-w-0">
              {auditOf(t, entry)}
              {entry.reason && <span className="block text-s text-ink-3">{t("mod.log.more", { reason: entry.reason })}</span>}
              {entry.message && <span className="block text-s text-ink-3">“{entry.message}”</span>}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
