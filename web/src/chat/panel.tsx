import { ExternalLink, LoaderCircle, PanelRightClose, Users, WifiOff } from "lucide-react";
import { useCallback, useMemo, useRef, useState, type ReactNode, type Ref } from "react";
import { EffectsOver } from "../effects/layer";
import { localeOf } from "../i18n";
import { useNow } from "../store/clock";
import { useLanguage, useT } from "../store/language";
import { Button, ButtonLink, IconButton } from "../ui/button";
import { Card, cardOf, type CardOf } from "./card";
import { Composer, type Writing } from "./composer";
import { gateOf } from "./gate";
import { GoalHead, Modes, PinnedBar, Ticker } from "./heads";
import { MessageList } from "./list";
import { Paying } from "./paying";
import { PollCard } from "./poll";
import { Reactions } from "./reactions";
import type { RowActs } from "./row";
import { sayRefusal } from "./say";
import { ChatSettings } from "./settings";
import { RoomProvider, useRoom, useStore, type RoomStore } from "./store";
import type { Message } from "./wire";

export type ChatProps = {
  store: RoomStore | null;
  /** The channel's name, and its slug for addresses. */
  name: string;
  slug: string;
  /** Null where the chat cannot be folded away: in a window of its own, in the studio. */
  onHide: (() => void) | null;
  /** Whether a window of its own is offered. */
  popout: boolean;
  /** Follows the channel; null where that cannot be done here. */
  onFollow: (() => void) | null;
  /** Above the composer, such as support. */
  tools?: ReactNode;
  /** No picture is beside it: effects are drawn over the messages. */
  alone?: boolean;
  /** Other tools share its height: on a low screen a poll is its question alone until somebody opens it. */
  shared?: boolean;
};

/** The chat of a channel: head, paid ticker, pins, messages, composer. It fills what it stands in. */
export function Chat(props: ChatProps) {
  const t = useT();
  return (
    <section aria-label={t("chat.of", { name: props.name })} className="flex min-h-0 flex-1 flex-col bg-surface">
      {props.store ? (
        <RoomProvider value={props.store}>
          <Inside {...props} />
        </RoomProvider>
      ) : (
        <Joining />
      )}
    </section>
  );
}

function Joining() {
  const t = useT();
  return (
    <p role="status" className="flex flex-1 items-center justify-center gap-2 text-m text-ink-2">
      <LoaderCircle size={18} className="animate-spin" aria-hidden />
      {t("chat.connecting")}
    </p>
  );
}

function Inside({ name, slug, onHide, popout, onFollow, tools, alone = false, shared = false }: ChatProps) {
  const { t, language } = useLanguage();
  const store = useStore();
  const { link, counts } = useRoom();
  const [reply, setReply] = useState<Message | null>(null);
  const [card, setCard] = useState<CardOf | null>(null);
  const [layer, setLayer] = useState<HTMLElement | null>(null);
  const writing = useRef<Writing>(null);
  const acts = useMemo<RowActs>(
    () => ({
      onCard: (entry, place) => setCard(cardOf(entry, place)),
      onReply: setReply,
      onRetry: (nonce) => store.retry(nonce),
      onRewrite: (entry) => {
        if (entry.own) store.forget(entry.own.nonce);
        writing.current?.put(entry.message.text);
        writing.current?.focus();
      },
      onDiscard: (nonce) => store.forget(nonce),
    }),
    [store],
  );
  const close = useCallback(() => setCard(null), []);
  return (
    <>
      <header className="flex h-14 shrink-0 items-center gap-0.5 border-b border-line pr-2 pl-4">
        <h2 className="flex-1 font-bold">{t("chat.title")}</h2>
        {link.state === "open" && (
          <span className="num inline-flex items-center gap-1.5 pr-2 text-s text-ink-2" title={t("chat.chatting", { n: counts.chatters })}>
            <Users size={16} aria-hidden />
            <span aria-hidden>{counts.chatters.toLocaleString(localeOf(language))}</span>
            <span className="sr-only">{t("chat.chatting", { n: counts.chatters })}</span>
          </span>
        )}
        <Paying slug={slug} name={name} />
        <ChatSettings window={popout ? `/popout/${slug}/chat` : null} />
        {popout && (
          <IconButton label={t("chat.popout")} onClick={() => window.open(`/popout/${slug}/chat`, `chat-${slug}`, "popup,width=400,height=720")} className="max-md:hidden">
            <ExternalLink size={18} aria-hidden />
          </IconButton>
        )}
        {onHide && (
          <IconButton label={t("chat.hide")} onClick={onHide} className="max-lg:hidden">
            <PanelRightClose size={18} aria-hidden />
          </IconButton>
        )}
      </header>
      {/* However much stands above them, some messages are always seen: the heads scroll then. */}
      <div className="min-h-0 overflow-y-auto has-[>section]:mask-b-from-[calc(100%-10px)]">
        <div className="max-lg:flex max-lg:overflow-x-auto max-lg:border-b max-lg:border-line max-lg:empty:hidden max-lg:[scrollbar-width:none]">
          <GoalHead />
          <Ticker />
        </div>
        <PinnedBar />
        <PollCard shared={shared} />
      </div>
      <div className="relative flex min-h-28 flex-[1_0_0px] flex-col">
        {link.state === "connecting" ? <Joining /> : <MessageList acts={acts} label={t("chat.messages")} />}
        {alone && <div ref={setLayer} aria-hidden className="pointer-events-none absolute inset-0 overflow-hidden" />}
      </div>
      {alone && <EffectsOver store={store} layer={layer} />}
      <LinkNotice />
      <Modes />
      <Reactions />
      {tools}
      <Foot writing={writing} reply={reply} onReply={setReply} onFollow={onFollow} />
      <Card of={card} onClose={close} onReply={setReply} onMention={(who) => (writing.current?.add(`@${who} `), writing.current?.focus())} />
      <span className="sr-only">{name}</span>
    </>
  );
}

/** That the line is gone, and that it comes back by itself. */
function LinkNotice() {
  const t = useT();
  const store = useStore();
  const { link } = useRoom();
  if (link.state === "away") {
    return (
      <p role="status" className="mx-4 mt-2 flex items-center gap-2 rounded-m bg-warn-soft px-3 py-2 text-s text-warn">
        <WifiOff size={16} className="shrink-0" aria-hidden />
        {t("chat.away")}
      </p>
    );
  }
  if (link.state === "ended") {
    return (
      <p role="status" className="mx-4 mt-2 flex items-center gap-2 rounded-m bg-live-soft py-1 pr-1 pl-3 text-s text-live">
        <span className="flex-1">{t("chat.ended")}</span>
        <Button look="quiet" onClick={() => store.again()}>
          {t("chat.rejoin")}
        </Button>
      </p>
    );
  }
  return null;
}

/** The composer, or why one cannot write and what to do about it. */
function Foot({ writing, reply, onReply, onFollow }: { writing: Ref<Writing>; reply: Message | null; onReply: (message: Message | null) => void; onFollow: (() => void) | null }) {
  const t = useT();
  const room = useRoom();
  const now = useNow(1000);
  const gate = gateOf(room, now);
  if (gate === null) return <Composer ref={writing} reply={reply} onReply={onReply} />;
  if (gate.word === "connecting" || gate.word === "ended") return <div className="h-[68px] shrink-0" />;
  const guest = room.you?.role === "guest";
  return (
    <div className="flex min-h-[68px] shrink-0 items-center gap-3 px-4 pt-2 pb-[max(12px,env(safe-area-inset-bottom))]">
      <p role="status" className="num flex-1 text-m text-ink-2">
        {sayRefusal(t, { code: 0, word: gate.word, value: gate.value })}
      </p>
      {guest && gate.word !== "banned" && gate.word !== "timed_out" && <ButtonLink href={`/login?next=${encodeURIComponent(location.pathname)}`}>{t("chat.login")}</ButtonLink>}
      {!guest && gate.word === "followers_only" && gate.value === null && onFollow && (
        <Button look="primary" onClick={onFollow}>
          {t("chat.follow")}
        </Button>
      )}
    </div>
  );
}
