import { Pin as PinIcon, X } from "lucide-react";
import { useState } from "react";
import { GoalBar } from "../pay/goalbar";
import { Ranking } from "../pay/ranking";
import { useNow } from "../store/clock";
import { useLanguage, useT } from "../store/language";
import { useSubmit } from "../store/submit";
import { classes } from "../ui/classes";
import { Dialog } from "../ui/dialog";
import { Avatar, Chip } from "../ui/marks";
import { tierOf } from "./colour";
import { money } from "./money";
import { PaidMessage } from "./row";
import { useRoom, useStore } from "./store";
import { runsOf } from "./text";
import type { Settings, TickerEntry } from "./wire";

/** The pinned message under the head; the newest, and a way to unpin it. */
export function PinnedBar() {
  const t = useT();
  const store = useStore();
  const { pins, you } = useRoom();
  const now = useNow(5000);
  const { run } = useSubmit();
  const [whole, setWhole] = useState(false);
  const shown = pins.filter((each) => each.until === null || each.until > now);
  const pin = shown.at(-1);
  if (!pin) return null;
  return (
    <section aria-label={t("chat.pinned")} className="mx-4 mt-3 mb-2.5 flex items-start gap-2.5 rounded-m bg-raised py-0.5 pr-1 pl-3 text-[0.84375rem] last:pr-3">
      <PinIcon size={16} className="mt-2.5 shrink-0 text-ink-3" aria-hidden />
      <button type="button" aria-expanded={whole} onClick={() => setWhole(!whole)} className="min-h-11 min-w-0 flex-1 py-2 pr-2 text-left md:min-h-9">
        <span className={whole ? "block" : "line-clamp-2"}>
          <b className="mr-1.5 font-semibold">{pin.message.user.name}</b>
          {runsOf(pin.message.text).map((run) => run.text).join("")}
        </span>
        {whole && <span className="block text-xs text-ink-3">{t("chat.pinned.by", { name: pin.by })}</span>}
      </button>
      {you?.can.includes("pin") && (
        <button type="button" aria-label={t("chat.unpin")} title={t("chat.unpin")} onClick={() => void run(() => store.call("chat.unpin", { id: pin.id }))} className="grid size-11 shrink-0 place-items-center text-ink-3 hover:text-ink md:size-9">
          <X size={16} aria-hidden />
        </button>
      )}
    </section>
  );
}

/** Paid messages that are still pinned, as pills in a row. */
export function Ticker() {
  const { t, language } = useLanguage();
  const { paid } = useRoom();
  const now = useNow(1000);
  const [open, setOpen] = useState<TickerEntry | null>(null);
  const shown = paid.filter((ticket) => ticket.until > now);
  if (shown.length === 0) return null;
  return (
    <section aria-label={t("chat.ticker")} className="flex shrink-0 gap-2 overflow-x-auto border-line px-4 py-1.5 [scrollbar-width:none] max-lg:overflow-visible lg:border-b" tabIndex={0}>
      {shown.map((ticket) => {
        const { user, paid: sum } = ticket;
        const { letters, ground } = tierOf(sum.tier);
        const amount = money(language, sum.amount, sum.currency);
        const name = user.name || t("chat.anonymous");
        return (
          <button key={ticket.id} type="button" onClick={() => setOpen(ticket)} className="relative flex min-h-11 shrink-0 items-center md:min-h-9">
            <span className={classes("num flex h-[30px] items-center gap-2 rounded-full pr-3 pl-1 text-s font-bold", letters, ground)}>
              <span className="-m-0.5 scale-[.8]">
                <Avatar name={name} url={user.avatar} />
              </span>
              <span className="sr-only">{name}</span>
              {amount}
            </span>
          </button>
        );
      })}
      <Dialog open={open !== null} onClose={() => setOpen(null)} title={open ? open.user.name || t("chat.anonymous") : ""}>
        {open && <PaidMessage message={{ ...open, seq: 0, kind: "paid" }} />}
      </Dialog>
    </section>
  );
}

/** What the channel collects for; pressed, it tells who gave most. */
export function GoalHead() {
  const t = useT();
  const { goal } = useRoom();
  const store = useStore();
  const [open, setOpen] = useState(false);
  if (!goal) return null;
  return (
    <section aria-label={t("chat.goal")} className="shrink-0 border-line max-lg:max-w-full max-lg:only:w-full lg:border-b">
      <button type="button" title={t("money.ranking")} onClick={() => setOpen(true)} className="min-h-11 w-full px-4 py-1.5 text-left hover:bg-raised/60 max-lg:min-h-14">
        <GoalBar goal={goal} className="max-lg:min-w-40" />
      </button>
      <Dialog open={open} onClose={() => setOpen(false)} title={t("chat.goal")}>
        <GoalBar goal={goal} className="mb-6" />
        <h3 className="mb-2 text-m font-semibold">{t("money.ranking")}</h3>
        <Ranking channel={store.channel} most={10} />
      </Dialog>
    </section>
  );
}

/** What holds in the room now, in a few words each. */
export function modesOf(t: ReturnType<typeof useT>, settings: Settings): string[] {
  const modes: string[] = [];
  if (settings.frozen) modes.push(t("chat.mode.frozen"));
  if (settings.slow_s > 0) modes.push(t("chat.mode.slow", { n: settings.slow_s }));
  if (settings.followers_min !== null) modes.push(settings.followers_min > 0 ? t("chat.mode.followers.min", { n: settings.followers_min }) : t("chat.mode.followers"));
  if (settings.subscribers_only) modes.push(t("chat.mode.subscribers"));
  if (settings.emoji_only) modes.push(t("chat.mode.emoji"));
  if (settings.unique) modes.push(t("chat.mode.unique"));
  if (settings.hold === "all") modes.push(t("chat.mode.hold"));
  return modes;
}

export function Modes() {
  const t = useT();
  const { settings } = useRoom();
  const modes = settings ? modesOf(t, settings) : [];
  if (modes.length === 0) return null;
  return (
    <ul aria-label={t("chat.modes")} className="flex flex-wrap gap-1.5 px-4 pt-2">
      {modes.map((mode) => (
        <li key={mode}>
          <Chip>{mode}</Chip>
        </li>
      ))}
    </ul>
  );
}
