import { Tabs } from "radix-ui";
import { useState, type ReactNode } from "react";
import { RoomProvider, type RoomStore } from "../chat/store";
import { useServerRoom } from "../chat/use";
import type { AuditEntry } from "../chat/wire";
import { useChannel } from "../store/channel";
import { useT } from "../store/language";
import { useListing } from "../store/pages";
import { Button } from "../ui/button";
import { PageHead } from "../ui/section";
import { Failed, Loading } from "../ui/states";
import { useDuty } from "./desk";
import { AuditLog } from "./log";
import { ModesRoom } from "./modes";
import { PeopleInChat } from "./people";
import { Queue } from "./queue";
import { WordsRoom } from "./words";

/** `/studio/moderation`: the hold queue, people, modes, words and the log of a channel's chat. */
export function ModerationRoom({ slug }: { slug: string }) {
  const channel = useChannel(slug);
  const store = useServerRoom(channel.value?.id ?? "");
  if (!channel.value || !store) return channel.error ? <Failed page error={channel.error} retry={channel.reload} /> : <Loading />;
  return <Inside store={store} slug={slug} />;
}

const tabs = ["queue", "users", "rules", "words", "log"] as const;

function Inside({ store, slug }: { store: RoomStore; slug: string }) {
  return (
    <RoomProvider value={store}>
      <Parts slug={slug} />
    </RoomProvider>
  );
}

function Parts({ slug }: { slug: string }) {
  const t = useT();
  const duty = useDuty();
  const waiting = duty.held.length + duty.paid.length;
  const [tab, setTab] = useState<string>("queue");
  const parts: Record<(typeof tabs)[number], ReactNode> = {
    queue: duty.open ? <Queue duty={duty} /> : <Loading />,
    users: <PeopleInChat slug={slug} />,
    rules: <ModesRoom />,
    words: <WordsRoom slug={slug} />,
    log: <WholeLog slug={slug} fresh={duty.audit} />,
  };
  return (
    <div className="max-w-[860px]">
      <PageHead title={t("mod.title")} text={t("mod.text")} />
      <Tabs.Root value={tab} onValueChange={setTab}>
        <Tabs.List aria-label={t("mod.tabs")} className="mb-6 flex gap-1 overflow-x-auto rounded-m bg-surface p-1">
          {tabs.map((each) => (
            <Tabs.Trigger key={each} value={each} className="num flex h-11 flex-1 shrink-0 items-center justify-center gap-2 rounded-s px-3 text-m whitespace-nowrap text-ink-2 data-[state=active]:bg-raised data-[state=active]:font-semibold data-[state=active]:text-ink focus-visible:-outline-offset-2 md:h-9">
              {t(`mod.${each}`)}
              {each === "queue" && waiting > 0 && <span className="rounded-full bg-warn-soft px-2 text-s font-bold text-warn">{waiting}</span>}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        {tabs.map((each) => (
          <Tabs.Content key={each} value={each}>
            {parts[each]}
          </Tabs.Content>
        ))}
      </Tabs.Root>
    </div>
  );
}

/** The log as it is kept, with what was just written before it. */
function WholeLog({ slug, fresh }: { slug: string; fresh: readonly AuditEntry[] }) {
  const t = useT();
  const kept = useListing<AuditEntry>(`/channels/${encodeURIComponent(slug)}/chat/audit`);
  const known = new Set((kept.items ?? []).map((entry) => entry.id));
  const entries = [...fresh.filter((entry) => !known.has(entry.id)), ...(kept.items ?? [])].sort((a, b) => b.at - a.at);
  return (
    <>
      <AuditLog entries={entries} days />
      {kept.more && (
        <div className="mt-4 text-center">
          <Button onClick={kept.more}>{t("more")}</Button>
        </div>
      )}
    </>
  );
}
