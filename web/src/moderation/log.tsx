import { span } from "../chat/say";
import type { AuditEntry } from "../chat/wire";
import type { Key, Translate } from "../i18n";
import { dateTime, timeOfDay } from "../i18n/moments";
import { useLanguage } from "../store/language";
import { classes } from "../ui/classes";

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

const modes: Record<string, Key> = {
  slow_s: "mod.set.slow",
  followers_min: "mod.set.followers",
  subscribers_only: "mod.set.subscribers",
  emoji_only: "mod.set.emoji",
  unique: "mod.set.unique",
  links: "mod.set.links",
  frozen: "mod.set.frozen",
  guests: "mod.set.guests",
  hold: "mod.set.hold",
  letters: "mod.set.letters",
  preset: "mod.preset",
  rules: "mod.set.rules",
  effects: "mod.set.effects",
  paid: "mod.set.paid",
  polls: "mod.set.polls",
};
const presets = ["calm", "normal", "raid"] as const;
const roles = ["owner", "broadcaster", "manager", "vip", "subscriber", "viewer"] as const;

/** Why, or which: what the server wrote there is said as the pages call it, what somebody typed as it is. */
export function reasonOf(t: Translate, { action, reason }: AuditEntry): string | null {
  if (action === "settings") {
    const [what = "", fields = ""] = reason.split(": ");
    const preset = presets.find((each) => what === `preset ${each}`);
    if (preset) return `${t("mod.preset")}: ${t(`mod.preset.${preset}`)}`;
    return fields.split(", ").map((field) => t(modes[field] ?? "mod.rules")).join(", ");
  }
  const role = action === "role" && roles.find((each) => each === reason);
  if (role) return t(`role.${role}`);
  if (reason === "paid") return t("mod.reason.paid");
  return reason ? t("mod.log.more", { reason }) : null;
}

/** What managers did, the newest first. */
export function AuditLog({ entries, days }: { entries: readonly AuditEntry[]; days?: boolean }) {
  const { t, language } = useLanguage();
  if (entries.length === 0) return <p className="py-3 text-m text-ink-2">{t("mod.log.empty")}</p>;
  return (
    <ol className="text-m">
      {entries.map((entry) => {
        const moment = new Date(entry.at).toISOString();
        const reason = reasonOf(t, entry);
        return (
          <li key={entry.id} className={classes("flex gap-x-3 border-t border-line py-2.5 text-ink-2", days && "max-sm:flex-col")}>
            <time dateTime={moment} className={days ? "num w-44 shrink-0 text-ink-3 max-sm:text-s" : "num w-13 shrink-0 text-ink-3"}>
              {days ? dateTime(language, moment) : timeOfDay(language, moment)}
            </time>
            <span className="min-w-0">
              {auditOf(t, entry)}
              {reason && <span className="block text-s text-ink-3">{reason}</span>}
              {entry.message && <span className="block text-s text-ink-3">“{entry.message}”</span>}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
