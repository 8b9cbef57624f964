import { Ban, Clock, Copy, EyeOff, Pencil, Pin, Reply, Trash2, UserRoundCheck, AtSign } from "lucide-react";
import { Popover } from "radix-ui";
import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import type { Key } from "../i18n";
import { dateTime, timeOfDay } from "../i18n/moments";
import { useLanguage, useT } from "../store/language";
import { useSubmit } from "../store/submit";
import { Button } from "../ui/button";
import { classes } from "../ui/classes";
import { Confirm } from "../ui/confirm";
import { Dialog } from "../ui/dialog";
import { AreaField, FormError, SmallSelect, TextField } from "../ui/form";
import { Avatar } from "../ui/marks";
import { Badges } from "./badges";
import { colourOf } from "./colour";
import type { Entry } from "./room";
import { sayRefusal, span } from "./say";
import { refusalIn, useRoom, useStore } from "./store";
import { atLeast, type Can, type Message, type Person, type RoomRole, type UserCard } from "./wire";

const NARROW_PX = 761;
/** An author may change a message for so long. */
const EDITABLE_MS = 5 * 60_000;
export const TIMEOUTS_S = [60, 600, 3600, 86_400, 604_800];
const given: RoomRole[] = ["viewer", "subscriber", "vip", "manager"];

export type CardOf = { person: Person; message: Message | null; place: HTMLElement };

type Props = { of: CardOf | null; onClose: () => void; onReply: (message: Message) => void; onMention: (name: string) => void };

/** Who somebody is, what they said, and what may be done about it; beside the message it was opened from. */
export function Card({ of, onClose, onReply, onMention }: Props) {
  const t = useT();
  const place = of?.place ?? null;
  const last = useRef<HTMLElement | null>(null);
  useEffect(() => {
    if (place) last.current = place;
  }, [place]);
  const anchor = useMemo(() => ({ current: { getBoundingClientRect: () => place?.getBoundingClientRect() ?? new DOMRect() } }), [place]);
  return (
    <Popover.Root open={of !== null} onOpenChange={(open) => !open && onClose()}>
      <Popover.Anchor virtualRef={anchor} />
      <Popover.Portal>
        <Popover.Content
          // Beside the message where there is room, on a phone above or below it.
          side={window.innerWidth < NARROW_PX ? "bottom" : "left"}
          align="start"
          sideOffset={8}
          collisionPadding={12}
          aria-label={of ? t("card.title", { name: of.person.name }) : undefined}
          onKeyDown={(event) => event.stopPropagation()}
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            // Who was timed out has taken their messages along: the list is where one was.
            const back = last.current?.isConnected ? last.current : document.querySelector<HTMLElement>("[role=log]");
            back?.focus({ preventScroll: true });
          }}
          className="z-40 flex max-h-[min(560px,var(--radix-popover-content-available-height))] min-h-44 w-[min(340px,calc(100vw-24px))] flex-col overflow-y-auto rounded-m border border-line bg-surface p-4 shadow-lg"
        >
          {of && <Inside key={of.person.id + (of.message?.id ?? "")} of={of} onClose={onClose} onReply={onReply} onMention={onMention} />}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

/** What `entry` opens. */
export function cardOf(entry: Entry, place: HTMLElement): CardOf {
  return { person: entry.message.user, message: entry.message, place };
}

function useCard(person: Person, wanted: boolean): { card: UserCard | null; reload: () => void } {
  const store = useStore();
  const [card, setCard] = useState<UserCard | null>(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let current = true;
    if (wanted) store.call("chat.user", { user: person.id }).then((answer) => current && setCard(answer as UserCard), () => undefined);
    return () => {
      current = false;
    };
  }, [store, person.id, wanted, turn]);
  return { card, reload: () => setTurn((before) => before + 1) };
}

function Inside({ of: { person, message }, onClose, onReply, onMention }: Omit<Props, "of"> & { of: CardOf }) {
  const { t, language } = useLanguage();
  const { you } = useRoom();
  const mine = you?.id === person.id;
  const can = new Set<Can>(you?.can ?? []);
  const judge = !mine && can.has("timeout");
  const { card, reload } = useCard(person, mine || can.has("timeout"));
  const [editing, setEditing] = useState(false);
  const [openedAt] = useState(() => Date.now());
  const andClose = (act: () => void) => {
    act();
    onClose();
  };
  const editable = mine && message !== null && message.kind !== "paid" && openedAt - message.at < EDITABLE_MS;
  return (
    <>
      <div className="flex items-center gap-3">
        <Avatar name={person.name} url={person.avatar} size="m" />
        <div className="min-w-0 flex-1">
          <h2 className={classes("truncate font-bold", colourOf(person))}>{person.name}</h2>
          <div>
            <Badges person={card?.user ?? person} />
            {card && <span className="text-xs text-ink-3">{card.followed_at ? t("card.followed", { when: dateTime(language, new Date(card.followed_at).toISOString()) }) : t("card.nofollow")}</span>}
          </div>
        </div>
      </div>
      {card?.ban && <p className="mt-3 rounded-m bg-live-soft px-3 py-2 text-s text-live">{card.ban.until ? t("card.banned.until", { when: dateTime(language, new Date(card.ban.until).toISOString()) }) : t("card.banned")}{card.ban.reason && ` · ${card.ban.reason}`}</p>}
      {card?.shadow && <p className="mt-3 rounded-m bg-warn-soft px-3 py-2 text-s text-warn">{t("card.shadowed")}</p>}
      <div className="mt-3 flex flex-col">
        {message && !mine && <Act icon={<Reply size={16} aria-hidden />} word="card.reply" onClick={() => andClose(() => onReply(message))} />}
        {!mine && <Act icon={<AtSign size={16} aria-hidden />} word="card.mention" onClick={() => andClose(() => onMention(person.name))} />}
        {message && <Act icon={<Copy size={16} aria-hidden />} word="card.copy" onClick={() => andClose(() => copy(message.text))} />}
        {editable && <Act icon={<Pencil size={16} aria-hidden />} word="card.edit" onClick={() => setEditing(true)} />}
        {message && <MessageActs message={message} mine={mine} can={can} onClose={onClose} />}
      </div>
      {judge && <Judge person={person} card={card} can={can} onDone={reload} />}
      {card && !mine && <Past card={card} />}
      {message && <Edit open={editing} message={message} onClose={() => setEditing(false)} onDone={onClose} />}
    </>
  );
}

/** Without a secure page there is no clipboard. */
function copy(text: string): void {
  if (window.isSecureContext) void navigator.clipboard.writeText(text).catch(() => undefined);
}

function Act({ icon, word, onClick, danger }: { icon: ReactNode; word: Key; onClick: () => void; danger?: boolean }) {
  const t = useT();
  return (
    <button type="button" onClick={onClick} className={classes("flex min-h-11 items-center gap-3 rounded-s px-2 text-m hover:bg-raised md:min-h-9", danger && "text-live")}>
      {icon}
      {t(word)}
    </button>
  );
}

/** What the server refused, as a sentence. */
export function Refused({ error }: { error: unknown }) {
  const t = useT();
  const refusal = refusalIn(error);
  return <FormError>{refusal ? sayRefusal(t, refusal) : error ? t("chat.no.lost") : null}</FormError>;
}

function MessageActs({ message, mine, can, onClose }: { message: Message; mine: boolean; can: ReadonlySet<Can>; onClose: () => void }) {
  const store = useStore();
  const { error, run } = useSubmit();
  const act = (method: string) => void run(() => store.call(method, { id: message.id })).then((done) => done && onClose());
  return (
    <>
      {can.has("pin") && <Act icon={<Pin size={16} aria-hidden />} word="card.pin" onClick={() => act("chat.pin")} />}
      {(mine || can.has("delete")) && <Act danger icon={<Trash2 size={16} aria-hidden />} word="card.delete" onClick={() => act("chat.delete")} />}
      <Refused error={error} />
    </>
  );
}

/** A manager's part: time out, ban, hide, and what somebody is in the room. */
function Judge({ person, card, can, onDone }: { person: Person; card: UserCard | null; can: ReadonlySet<Can>; onDone: () => void }) {
  const t = useT();
  const store = useStore();
  const { busy, error, run } = useSubmit();
  const [reason, setReason] = useState("");
  const [banning, setBanning] = useState(false);
  const [ip, setIp] = useState(false);
  const why = reason.trim() ? { reason: reason.trim() } : {};
  const act = (method: string, data: Record<string, unknown> = {}) => void run(() => store.call(method, { user: person.id, ...data })).then((done) => done && onDone());
  const role = card?.user.role ?? person.role;
  const ranks = given.filter((each) => each !== "manager" || can.has("managers") || role === "manager");
  return (
    <section className="mt-3 flex flex-col gap-2 border-t border-line pt-3">
      <TextField label={t("card.reason")} value={reason} onText={setReason} maxLength={200} className="md:h-9!" />
      <h3 className="flex items-center gap-2 text-s font-semibold text-ink-2">
        <Clock size={14} aria-hidden />
        {t("card.timeout")}
      </h3>
      <div className="grid grid-cols-5 gap-1.5">
        {TIMEOUTS_S.map((seconds) => (
          <button
            key={seconds}
            type="button"
            disabled={busy}
            aria-label={t("card.timeout.for", { time: span(t, seconds) })}
            onClick={() => act("chat.timeout", { duration_s: seconds, ...why })}
            className="num h-11 rounded-s bg-raised text-s font-semibold hover:brightness-110 md:h-9"
          >
            {span(t, seconds)}
          </button>
        ))}
      </div>
      <div className="flex flex-col">
        {card?.ban ? (
          <Act icon={<UserRoundCheck size={16} aria-hidden />} word="card.unban" onClick={() => act("chat.unban")} />
        ) : (
          can.has("ban") && <Act danger icon={<Ban size={16} aria-hidden />} word="card.ban" onClick={() => setBanning(true)} />
        )}
        {can.has("shadow") && (
          <Act icon={<EyeOff size={16} aria-hidden />} word={card?.shadow ? "card.unshadow" : "card.shadow"} onClick={() => act(card?.shadow ? "chat.unshadow" : "chat.shadow", card?.shadow ? {} : why)} />
        )}
      </div>
      {can.has("roles") && !person.id.startsWith("madang.g.") && !atLeast(role, "broadcaster") && (
        <SmallSelect label={t("card.role")} value={role} disabled={busy} options={ranks.map((each) => [each, t(`role.${each}` as Key)])} onPick={(next) => act("chat.role", { role: next })} />
      )}
      <Refused error={error} />
      <Confirm
        open={banning}
        onClose={() => setBanning(false)}
        title={t("card.ban.title", { name: person.name })}
        action={t("card.ban")}
        work={async () => {
          await store.call("chat.ban", { user: person.id, ...why, ...(ip ? { ip: true } : {}) });
          onDone();
        }}
      >
        <p>{t("card.ban.text")}</p>
        <label className="mt-3 flex min-h-11 items-center gap-3">
          <input type="checkbox" checked={ip} onChange={(event) => setIp(event.target.checked)} className="size-5 shrink-0 accent-(--focus)" />
          {t("card.ban.ip")}
        </label>
      </Confirm>
    </section>
  );
}

function Past({ card }: { card: UserCard }) {
  const { t, language } = useLanguage();
  const said = card.messages.filter((message) => !message.deleted);
  return (
    <section className="mt-3 border-t border-line pt-3">
      <h3 className="mb-1.5 text-s font-semibold text-ink-2">{t("card.messages")}</h3>
      {said.length === 0 && <p className="text-s text-ink-3">{t("card.nomessages")}</p>}
      <ol className="flex max-h-44 flex-col gap-1 overflow-y-auto text-s" tabIndex={0}>
        {said.map((message) => (
          <li key={message.id} className="flex gap-2">
            <time className="num shrink-0 text-ink-3">{timeOfDay(language, new Date(message.at).toISOString())}</time>
            <span className="min-w-0">{message.text}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Edit({ open, message, onClose, onDone }: { open: boolean; message: Message; onClose: () => void; onDone: () => void }) {
  const t = useT();
  const store = useStore();
  const [text, setText] = useState(message.text);
  const { busy, error, run } = useSubmit();
  return (
    <Dialog open={open} onClose={onClose} title={t("card.edit.title")}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void run(() => store.call("chat.edit", { id: message.id, text: text.trim() })).then((done) => done && onDone());
        }}
      >
        <AreaField label={t("chat.write")} value={text} onText={setText} rows={3} />
        <Refused error={error} />
        <div className="flex justify-end gap-2">
          <Button look="quiet" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button look="primary" type="submit" disabled={busy || text.trim() === ""}>
            {t("save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
