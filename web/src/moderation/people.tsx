import { useState } from "react";
import { Badges } from "../chat/badges";
import { Card, type CardOf } from "../chat/card";
import { useStore } from "../chat/store";
import type { Person } from "../chat/wire";
import { dateTime } from "../i18n/moments";
import { useLanguage } from "../store/language";
import { useListing } from "../store/pages";
import { useSubmit } from "../store/submit";
import { Button } from "../ui/button";
import { Refused } from "../chat/card";
import { ListOf } from "../ui/listing";
import { Avatar } from "../ui/marks";
import { Row, Section } from "../ui/section";

type Ban = { id: string; kind: "ban" | "shadow" | "ip"; subject: string; name: string; until: number | null; reason: string; by_name: string; at: number };

/** Who is in the room, and who may not write there. */
export function PeopleInChat({ slug }: { slug: string }) {
  const { t, language } = useLanguage();
  const store = useStore();
  const base = `/channels/${encodeURIComponent(slug)}/chat`;
  const chatters = useListing<Person>(`${base}/chatters`, {}, { everyMs: 15_000 });
  const bans = useListing<Ban>(`${base}/bans`, {}, { everyMs: 15_000 });
  const [card, setCard] = useState<CardOf | null>(null);
  const { busy, error, run } = useSubmit();
  const lift = (ban: Ban) => void run(() => store.call(ban.kind === "shadow" ? "chat.unshadow" : "chat.unban", { user: ban.subject })).then(() => bans.reload());
  return (
    <>
      <Section title={t("mod.chatters")}>
        <ListOf
          list={chatters}
          empty={<p className="text-m text-ink-2">{t("mod.chatters.empty")}</p>}
          row={(person) => (
            <Row key={person.id} lead={<Avatar name={person.name} url={person.avatar} />} title={<span>{person.name}</span>} note={<Badges person={person} />}>
              <Button aria-label={t("mod.open", { name: person.name })} onClick={(event) => setCard({ person, message: null, place: event.currentTarget })}>
                {t("more.details")}
              </Button>
            </Row>
          )}
        />
      </Section>
      <Section title={t("mod.bans")}>
        <Refused error={error} />
        <ListOf
          list={bans}
          empty={<p className="text-m text-ink-2">{t("mod.bans.empty")}</p>}
          row={(ban) => (
            <Row
              key={ban.id}
              title={ban.name || ban.kind.toUpperCase()}
              note={[
                ban.kind === "shadow" ? t("mod.ban.shadow") : ban.until ? t("mod.ban.until", { when: dateTime(language, new Date(ban.until).toISOString()) }) : t("mod.ban.ever"),
                ban.by_name && t("mod.ban.by", { name: ban.by_name }),
                ban.reason,
              ]
                .filter(Boolean)
                .join(" · ")}
            >
              {ban.kind !== "ip" && (
                <Button disabled={busy} aria-label={t("mod.lift.of", { name: ban.name })} onClick={() => lift(ban)}>
                  {t("mod.lift")}
                </Button>
              )}
            </Row>
          )}
        />
      </Section>
      <Card of={card} onClose={() => setCard(null)} onReply={() => undefined} onMention={() => undefined} />
    </>
  );
}
