import type { Key } from "../i18n";
import { useT } from "../store/language";
import { classes } from "../ui/classes";
import type { Person } from "./wire";

const known: Record<string, { word: Key; tone: string }> = {
  admin: { word: "chat.badge.admin", tone: "bg-raised text-ink" },
  owner: { word: "chat.badge.owner", tone: "bg-live-soft text-live" },
  broadcaster: { word: "chat.badge.broadcaster", tone: "bg-live-soft text-live" },
  manager: { word: "chat.badge.manager", tone: "bg-good-soft text-good" },
  vip: { word: "chat.badge.vip", tone: "bg-money-soft text-money" },
  subscriber: { word: "chat.badge.subscriber", tone: "bg-raised text-link" },
};

/** What somebody is in this room, before their name. */
export function Badges({ person }: { person: Person }) {
  const t = useT();
  const worn = person.badges && person.badges.length > 0 ? person.badges : [person.role];
  return worn.map((badge) => {
    const found = known[badge];
    if (!found) return null;
    return (
      <span key={badge} className={classes("mr-1.5 inline-block rounded-[4px] px-1.5 align-[1px] text-[0.6875rem] leading-[1.6] font-bold", found.tone)}>
        {t(found.word)}
      </span>
    );
  });
}
