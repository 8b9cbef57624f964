import { ChartBarBig, Sparkles } from "lucide-react";
import { Tabs } from "radix-ui";
import { useState } from "react";
import type { Channel } from "../api/types";
import { Refused } from "../chat/card";
import { money } from "../chat/money";
import { Chat } from "../chat/panel";
import { NewPoll } from "../chat/poll";
import { PaidMessage } from "../chat/row";
import { RoomProvider, useRoom, useStore, type RoomStore } from "../chat/store";
import { useServerRoom } from "../chat/use";
import { atLeast, type Message } from "../chat/wire";
import { EffectsOver } from "../effects/layer";
import { useDuty, type Duty } from "../moderation/desk";
import { AuditLog } from "../moderation/log";
import { Presets } from "../moderation/modes";
import { Queue } from "../moderation/queue";
import { useLanguage, useT } from "../store/language";
import { useSubmit } from "../store/submit";
import { Button, ButtonLink } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Loading } from "../ui/states";

const EFFECTS = ["hearts", "confetti", "fireworks", "rain", "rocket", "money", "sticker", "combo"] as const;

/** The crowd's half of the live desk: chat, what waits, what was paid, and what the host may set off; effects are drawn in `layer`. */
export function CrowdDesk({ channel, layer }: { channel: Channel; layer: HTMLElement | null }) {
  const store = useServerRoom(channel.id);
  if (!store) return <Loading />;
  return (
    <RoomProvider value={store}>
      <EffectsOver store={store} layer={layer} />
      <Inside store={store} channel={channel} />
    </RoomProvider>
  );
}

function Inside({ store, channel }: { store: RoomStore; channel: Channel }) {
  const t = useT();
  const { you } = useRoom();
  const duty = useDuty();
  const runs = you !== null && atLeast(you.role, "manager");
  const waiting = duty.held.length + duty.paid.length;
  const tab = "num flex h-11 flex-1 shrink-0 items-center justify-center gap-1.5 rounded-s px-2 text-m whitespace-nowrap text-ink-2 data-[state=active]:bg-raised data-[state=active]:font-semibold data-[state=active]:text-ink focus-visible:-outline-offset-2 md:h-9";
  return (
    <Tabs.Root defaultValue="chat" className="flex h-[min(820px,calc(100dvh-164px))] min-h-[560px] flex-col overflow-hidden rounded-l border border-line bg-surface">
      <Tabs.List aria-label={t("desk.side")} className="flex shrink-0 gap-1 overflow-x-auto border-b border-line p-1">
        <Tabs.Trigger value="chat" className={tab}>
          {t("desk.chat")}
        </Tabs.Trigger>
        <Tabs.Trigger value="queue" className={tab}>
          {t("mod.queue")}
          {waiting > 0 && <span className="rounded-full bg-warn-soft px-2 text-s font-bold text-warn">{waiting}</span>}
        </Tabs.Trigger>
        <Tabs.Trigger value="paid" className={tab}>
          {t("desk.paid")}
        </Tabs.Trigger>
        <Tabs.Trigger value="log" className={tab}>
          {t("mod.log")}
        </Tabs.Trigger>
      </Tabs.List>
      {/* The chat stays where it is while another part is looked at: nothing is joined anew. */}
      <Tabs.Content value="chat" forceMount className="flex min-h-0 flex-1 flex-col data-[state=inactive]:hidden">
        <Chat store={store} name={channel.name} slug={channel.slug} onHide={null} popout onFollow={null} shared />
      </Tabs.Content>
      <Tabs.Content value="queue" className="min-h-0 flex-1 overflow-y-auto bg-paper p-3">
        {duty.open && <Queue duty={duty} small />}
      </Tabs.Content>
      <Tabs.Content value="paid" className="min-h-0 flex-1 overflow-y-auto p-3">
        <PaidList duty={duty} slug={channel.slug} />
      </Tabs.Content>
      <Tabs.Content value="log" className="min-h-0 flex-1 overflow-y-auto px-4 py-1">
        <AuditLog entries={duty.audit.slice(0, 50)} />
      </Tabs.Content>
      {runs && <Tools />}
    </Tabs.Root>
  );
}

function PaidList({ duty, slug }: { duty: Duty; slug: string }) {
  const { t, language } = useLanguage();
  const { entries } = useRoom();
  const shown = entries.map((entry) => entry.message).filter((message): message is Message => message.kind === "paid" && !message.deleted);
  const more = (
    <li className="py-2 text-center">
      <ButtonLink look="quiet" href={`/studio/money?channel=${slug}`}>
        {t("desk.paid.all")}
      </ButtonLink>
    </li>
  );
  if (shown.length + duty.paid.length === 0)
    return (
      <ul>
        <li className="px-1 py-3 text-m text-ink-2">{t("desk.paid.empty")}</li>
        {more}
      </ul>
    );
  return (
    <ul className="flex flex-col">
      {duty.paid.map((held) => (
        <li key={held.order} className="num flex gap-2 px-1 py-2 text-m">
          <b className="flex-1 font-semibold">{held.user.name || t("chat.anonymous")}</b>
          {money(language, held.paid.amount, held.paid.currency)} · {t("desk.paid.waiting")}
        </li>
      ))}
      {shown.toReversed().map((message) => (
        <li key={message.id}>
          <PaidMessage message={message} />
        </li>
      ))}
      {more}
    </ul>
  );
}

/** Presets, a poll, effects: one press each. */
function Tools() {
  const t = useT();
  const [open, setOpen] = useState<"poll" | "effects" | null>(null);
  return (
    <div className="flex shrink-0 flex-col gap-2 border-t border-line p-2.5">
      <Presets small />
      <div className="grid grid-cols-2 gap-2">
        <Button icon={<ChartBarBig size={16} aria-hidden />} className="px-2!" onClick={() => setOpen("poll")}>
          {t("desk.poll")}
        </Button>
        <Button icon={<Sparkles size={16} aria-hidden />} className="px-2!" onClick={() => setOpen("effects")}>
          {t("desk.effects")}
        </Button>
      </div>
      <Dialog open={open === "poll"} onClose={() => setOpen(null)} title={t("poll.new")}>
        <NewPoll onDone={() => setOpen(null)} />
      </Dialog>
      <Dialog open={open === "effects"} onClose={() => setOpen(null)} title={t("desk.effects")}>
        <EffectButtons />
      </Dialog>
    </div>
  );
}

function EffectButtons() {
  const t = useT();
  const store = useStore();
  const { settings } = useRoom();
  const { busy, error, run } = useSubmit();
  return (
    <>
      {settings?.effects === false && <p className="mb-3 text-m text-ink-2">{t("desk.effect.off")}</p>}
      <div className="grid grid-cols-2 gap-2">
        {EFFECTS.map((kind) => (
          <Button key={kind} disabled={busy} onClick={() => void run(() => store.call("effect.trigger", { kind, ...(kind === "rain" ? { emoji: "🎉" } : {}) }))}>
            {t(`desk.effect.${kind}`)}
          </Button>
        ))}
      </div>
      <div className="mt-3">
        <Refused error={error} />
      </div>
    </>
  );
}
