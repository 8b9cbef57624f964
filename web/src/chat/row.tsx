import { EllipsisVertical, Megaphone, Reply } from "lucide-react";
import { memo, type KeyboardEvent, type MouseEvent } from "react";
import { timeOfDay } from "../i18n/moments";
import { useLanguage, useT } from "../store/language";
import { classes } from "../ui/classes";
import { Avatar } from "../ui/marks";
import { Badges } from "./badges";
import { colourOf, tierOf } from "./colour";
import { money } from "./money";
import type { Entry, Own } from "./room";
import { sayRefusal } from "./say";
import { isBig, runsOf } from "./text";
import type { Message, Person } from "./wire";

/** What can be done with a message from where it stands. */
export type RowActs = {
  onCard: (entry: Entry, place: HTMLElement) => void;
  onReply: (message: Message) => void;
  onRetry: (nonce: string) => void;
  onRewrite: (entry: Entry) => void;
  onDiscard: (nonce: string) => void;
};

type Props = { entry: Entry; me: string | null; times: boolean; acts: RowActs; active: boolean; onActive: (key: string | null) => void };

/** One message. Text is text: React writes it, nothing is ever taken for markup. */
export const Row = memo(function Row({ entry, me, times, acts, active, onActive }: Props) {
  const { t, language } = useLanguage();
  const { message, own } = entry;
  if (message.kind === "system") return <p className="px-4 py-1.5 text-s whitespace-pre-line text-ink-2">{message.text}</p>;
  const forMe = me !== null && message.user.id !== me && (message.reply?.user === me || (message.mentions ?? []).includes(me));
  const faint = own !== null || message.deleted;
  const press = (event: KeyboardEvent<HTMLDivElement>) => {
    if (event.target !== event.currentTarget || own) return;
    if (event.key === "Enter" || event.key === "ContextMenu") {
      event.preventDefault();
      acts.onCard(entry, event.currentTarget);
    } else if (event.key === "r" || event.code === "KeyR") {
      event.preventDefault();
      acts.onReply(message);
    }
  };
  const touch = (event: MouseEvent<HTMLDivElement>) => {
    if (own || message.deleted || (event.target as Element).closest("a, button")) return;
    if ((event.nativeEvent as PointerEvent).pointerType === "touch") acts.onCard(entry, event.currentTarget);
  };
  return (
    <div
      data-row
      tabIndex={-1}
      onKeyDown={press}
      onClick={touch}
      onFocus={() => onActive(entry.key)}
      onBlur={() => onActive(null)}
      className={classes(
        "group relative px-4 py-[3.5px] leading-[1.45] focus-visible:-outline-offset-2 hover:bg-raised/60",
        forMe && "bg-raised shadow-[inset_3px_0_0_var(--focus)]",
        message.kind === "announcement" && "my-1",
      )}
    >
      {message.reply && !message.deleted && (
        <div className="flex items-center gap-1.5 truncate text-xs text-ink-3">
          <Reply size={12} className="shrink-0 -scale-x-100" aria-hidden />
          <span className="truncate">{t("chat.reply.to", { name: message.reply.name, text: message.reply.text })}</span>
        </div>
      )}
      {message.kind === "paid" && !message.deleted ? (
        <PaidMessage message={message} />
      ) : (
        <div className={classes(message.kind === "announcement" && !message.deleted && "rounded-m bg-raised px-3 py-2.5", message.kind === "announcement" && !message.deleted && edge(message.color))}>
          {message.kind === "announcement" && <Megaphone size={14} className="mr-1.5 inline align-[-2px] text-ink-3" aria-hidden />}
          {times && message.at > 0 && <time className="num mr-2 text-xs text-ink-3">{timeOfDay(language, new Date(message.at).toISOString())}</time>}
          <Badges person={message.user} />
          <Name person={message.user} faint={own !== null} onOpen={own ? null : (place) => acts.onCard(entry, place)} />
          <Text message={message} faint={faint === true} />
          {message.edited_at && !message.deleted && <span className="ml-1.5 text-xs text-ink-3">({t("chat.edited")})</span>}
          {own && <OwnState own={own} entry={entry} acts={acts} />}
        </div>
      )}
      {!own && !message.deleted && (
        <span className={classes("absolute -top-2 right-3 hidden rounded-m border border-line bg-surface shadow-sm group-hover:flex group-focus:flex pointer-coarse:hidden!", active && "flex!")}>
          <button type="button" tabIndex={-1} aria-label={t("card.reply")} title={t("card.reply")} onClick={() => acts.onReply(message)} className="grid size-8 place-items-center text-ink-2 hover:text-ink">
            <Reply size={16} aria-hidden />
          </button>
          <button
            type="button"
            tabIndex={-1}
            aria-label={t("chat.menu", { name: message.user.name })}
            title={t("chat.menu", { name: message.user.name })}
            onClick={(event) => acts.onCard(entry, event.currentTarget)}
            className="grid size-8 place-items-center text-ink-2 hover:text-ink"
          >
            <EllipsisVertical size={16} aria-hidden />
          </button>
        </span>
      )}
    </div>
  );
});

function edge(color: Message["color"]): string {
  if (color === "blue") return "border-l-3 border-link";
  if (color === "green") return "border-l-3 border-good";
  if (color === "orange") return "border-l-3 border-warn";
  if (color === "purple") return "border-l-3 border-tier-6";
  return "border-l-3 border-ink-3";
}

function Name({ person, faint, onOpen }: { person: Person; faint: boolean; onOpen: ((place: HTMLElement) => void) | null }) {
  return (
    <button
      type="button"
      tabIndex={-1}
      disabled={onOpen === null}
      onClick={(event) => onOpen?.(event.currentTarget)}
      className={classes("mr-1.5 rounded-s font-[640] hover:underline disabled:no-underline", faint ? "text-ink-2" : colourOf(person))}
    >
      {person.name}
    </button>
  );
}

function Text({ message, faint }: { message: Message; faint: boolean }) {
  const t = useT();
  if (message.deleted) return <span className="text-ink-3 italic">{t("chat.deleted")}</span>;
  const tone = faint ? "text-ink-2" : message.kind === "action" ? classes("italic", colourOf(message.user)) : "";
  return (
    <span className={classes(tone, isBig(message.text) && "text-[1.7em] leading-none align-middle", "whitespace-pre-wrap")}>
      {runsOf(message.text).map((run, index) =>
        run.kind === "link" ? (
          <a key={index} href={run.href} target="_blank" rel="noopener noreferrer nofollow ugc" className="text-link underline underline-offset-2 [word-break:break-all]">
            {run.text}
          </a>
        ) : run.kind === "mention" ? (
          <b key={index} className="font-semibold">
            {run.text}
          </b>
        ) : (
          run.text
        ),
      )}
    </span>
  );
}

/** A paid message, on the colour of its tier. */
export function PaidMessage({ message }: { message: Message }) {
  const { t, language } = useLanguage();
  const { letters, ground } = tierOf(message.paid?.tier ?? 1);
  const name = message.user.name || t("chat.anonymous");
  return (
    <div className={classes("my-1 rounded-m", ground)}>
      <div className={classes("flex items-center gap-2.5 px-3 py-2 font-bold", letters)}>
        <Avatar name={name} url={message.user.avatar} />
        <span className="min-w-0 flex-1 truncate">{name}</span>
        {message.paid && <span className="num">{money(language, message.paid.amount, message.paid.currency)}</span>}
      </div>
      {message.text && (
        <div className="px-3 pb-2.5">
          <Text message={{ ...message, kind: "message" }} faint={false} />
        </div>
      )}
    </div>
  );
}

const small = "inline-flex min-h-8 items-center rounded-full px-2 text-xs font-semibold text-ink-2 underline underline-offset-2 hover:text-ink pointer-coarse:min-h-11";

function OwnState({ own, entry, acts }: { own: Own; entry: Entry; acts: RowActs }) {
  const t = useT();
  if (own.state === "sending") return <span className="ml-2 text-xs text-ink-3">{t("chat.sending")}</span>;
  if (own.state === "held") return <span className="ml-2 text-xs text-warn">{t("chat.held")}</span>;
  const why = own.state === "denied" ? t("chat.denied") : own.refusal ? sayRefusal(t, own.refusal) : t("chat.refused");
  const again = own.refusal?.word === "lost" || own.refusal?.word === "rate" || own.refusal?.word === "slow_mode";
  return (
    <span role="alert" className="mt-0.5 block text-xs text-live">
      {why}{" "}
      <span className="inline-flex flex-wrap gap-x-1">
        {again && (
          <button type="button" className={small} onClick={() => acts.onRetry(own.nonce)}>
            {t("chat.retry")}
          </button>
        )}
        <button type="button" className={small} onClick={() => acts.onRewrite(entry)}>
          {t("chat.rewrite")}
        </button>
        <button type="button" className={small} onClick={() => acts.onDiscard(own.nonce)}>
          {t("chat.discard")}
        </button>
      </span>
    </span>
  );
}
