import { Check, X } from "lucide-react";
import type { ReactNode } from "react";
import { api } from "../api/client";
import { Badges } from "../chat/badges";
import { Refused } from "../chat/card";
import { colourOf } from "../chat/colour";
import { money } from "../chat/money";
import { useStore } from "../chat/store";
import type { Held, Hit, PaidHeld } from "../chat/wire";
import type { Key } from "../i18n";
import { timeOfDay } from "../i18n/moments";
import { useLanguage, useT } from "../store/language";
import { useSubmit } from "../store/submit";
import { Button } from "../ui/button";
import { classes } from "../ui/classes";
import { FormError } from "../ui/form";
import { Chip } from "../ui/marks";
import { Notice, sayError } from "../ui/states";
import type { Duty } from "./desk";

const reasons: Record<string, Key> = { filter: "mod.reason.filter", newcomer: "mod.reason.newcomer", all: "mod.reason.all", links: "mod.reason.links" };

/** Messages that wait for approval, the eldest first. */
export function Queue({ duty, small }: { duty: Duty; small?: boolean }) {
  const t = useT();
  if (duty.held.length + duty.paid.length === 0) {
    return small ? <p className="px-1 py-3 text-m text-ink-2">{t("mod.queue.empty")}</p> : <Notice title={t("mod.queue.empty")}>{t("mod.queue.empty.text")}</Notice>;
  }
  return (
    <ul className="flex flex-col gap-2" aria-live="polite">
      {duty.paid.map((each) => (
        <PaidItem key={each.order} held={each} />
      ))}
      {duty.held.map((each) => (
        <Item key={each.message.id} held={each} />
      ))}
    </ul>
  );
}

function Item({ held: { message, reason, hits } }: { held: Held }) {
  const { t, language } = useLanguage();
  const store = useStore();
  const { busy, error, run } = useSubmit();
  const decide = (method: string) => void run(() => store.call(method, { id: message.id }));
  const key = reasons[reason ?? ""];
  return (
    <li className="rounded-m bg-surface px-4 py-3">
      <div className="flex flex-wrap items-center gap-x-2 gap-y-1 text-s text-ink-2">
        <time className="num">{timeOfDay(language, new Date(message.at).toISOString())}</time>
        <span>
          <Badges person={message.user} />
          <b className={classes("font-semibold", colourOf(message.user))}>{message.user.name}</b>
        </span>
        {key && <Chip tone="warn">{t(key)}</Chip>}
      </div>
      <p className="mt-1">
        <Marked text={message.text} hits={hits ?? []} />
      </p>
      <Decide busy={busy} name={message.user.name} onApprove={() => decide("chat.approve")} onDeny={() => decide("chat.deny")} />
      <Refused error={error} />
    </li>
  );
}

function PaidItem({ held }: { held: PaidHeld }) {
  const { t, language } = useLanguage();
  const store = useStore();
  const { busy, error, run } = useSubmit();
  const order = `/channels/${store.channel}/superchat/orders/${held.order}`;
  const name = held.user.name || t("chat.anonymous");
  return (
    <li className="rounded-m bg-money-soft px-4 py-3">
      <div className="flex flex-wrap items-center gap-2 text-s">
        <b className="font-semibold">{name}</b>
        <span className="num font-bold text-money">{money(language, held.paid.amount, held.paid.currency)}</span>
        <Chip tone="warn">{t("mod.reason.paid")}</Chip>
      </div>
      <p className="mt-1">{held.text}</p>
      <Decide busy={busy} name={name} onApprove={() => void run(() => api.post(`${order}/approve`))} onDeny={() => void run(() => api.post(`${order}/remove`, { reason: "" }))} />
      <FormError>{error ? sayError(t, error) : null}</FormError>
    </li>
  );
}

function Decide({ busy, name, onApprove, onDeny }: { busy: boolean; name: string; onApprove: () => void; onDeny: () => void }) {
  const t = useT();
  return (
    <div className="mt-2 flex gap-2">
      <Button look="primary" disabled={busy} icon={<Check size={16} aria-hidden />} aria-label={t("mod.approve.of", { name })} onClick={onApprove}>
        {t("mod.approve")}
      </Button>
      <Button disabled={busy} icon={<X size={16} aria-hidden />} aria-label={t("mod.deny.of", { name })} onClick={onDeny}>
        {t("mod.deny")}
      </Button>
    </div>
  );
}

/** A text with what the filter found marked; hits count code points. */
export function Marked({ text, hits }: { text: string; hits: readonly Hit[] }) {
  const letters = Array.from(text);
  const pieces: ReactNode[] = [];
  let done = 0;
  for (const hit of [...hits].sort((a, b) => a.from - b.from)) {
    if (hit.from < done) continue;
    pieces.push(letters.slice(done, hit.from).join(""));
    pieces.push(
      <mark key={hit.from} title={hit.term} className="rounded-s bg-warn-soft px-0.5 text-warn">
        {letters.slice(hit.from, hit.to).join("")}
      </mark>,
    );
    done = hit.to;
  }
  pieces.push(letters.slice(done).join(""));
  return pieces;
}
