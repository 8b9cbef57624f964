import { ArrowUp, X } from "lucide-react";
import { useEffect, useId, useImperativeHandle, useMemo, useRef, useState, type KeyboardEvent, type Ref } from "react";
import { useNow } from "../store/clock";
import { useLanguage, useT } from "../store/language";
import { prefer, usePreferences } from "../store/preferences";
import { classes } from "../ui/classes";
import { slowFor } from "./gate";
import { Nickname } from "./nickname";
import { EmojiPicker } from "./picker";
import { sayRefusal } from "./say";
import { refusalIn, useRoom, useStore } from "./store";
import { commandsFor, fulfilled, namesFor, wishOf, type Wish } from "./suggest";
import { lettersOf } from "./text";
import type { CommandInfo, Message } from "./wire";

/** What the rest of the chat asks of the composer. */
export type Writing = { put: (text: string) => void; add: (text: string) => void; focus: () => void };

/** From here on the letters that are left are counted. */
const COUNT_FROM = 60;

type Props = { ref: Ref<Writing>; reply: Message | null; onReply: (message: Message | null) => void };

/** Where a message is written: completes names and commands, counts letters and the seconds of slow mode. */
export function Composer({ ref, reply, onReply }: Props) {
  const t = useT();
  const store = useStore();
  const room = useRoom();
  const now = useNow(500);
  const nick = usePreferences().nick ?? "";
  const [text, setText] = useState("");
  const [cursor, setCursor] = useState(0);
  const [asking, setAsking] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const list = useId();
  const { options, chosen, setChosen, dismiss, wish } = useOptions(text, cursor);
  const most = room.settings?.letters ?? 500;
  const left = most - lettersOf(text);
  const slow = slowFor(room, now);
  const guest = room.you?.role === "guest";
  const open = options.length > 0;

  const put = (next: string, at = next.length) => {
    setText(next);
    setCursor(at);
    requestAnimationFrame(() => field.current?.setSelectionRange(at, at));
  };
  const add = (more: string) => {
    const at = field.current?.selectionStart ?? text.length;
    put(text.slice(0, at) + more + text.slice(at), at + more.length);
  };
  useImperativeHandle(ref, () => ({ put, add, focus: () => field.current?.focus() }));
  useEffect(() => {
    if (reply) field.current?.focus();
  }, [reply]);

  const take = (index: number) => {
    const option = options[index];
    if (!option || !wish) return;
    const next = fulfilled(text, wish, option.word);
    put(next.text, next.cursor);
    field.current?.focus();
  };
  const send = async (named = nick !== "") => {
    const said = text.trim();
    if (said === "" || left < 0 || slow > 0) return;
    if (guest && !named) {
      setAsking(true);
      return;
    }
    setText("");
    setCursor(0);
    onReply(null);
    try {
      const answer = await store.send(said, reply);
      if (answer?.text) store.say(answer.text);
    } catch (error) {
      const refusal = refusalIn(error);
      if (!refusal) throw error;
      put(said);
      store.say(sayRefusal(t, refusal));
    }
  };
  const press = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    // While Hangul is being composed, Enter belongs to the letter.
    if (event.nativeEvent.isComposing || event.key === "Process") return;
    if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      setChosen((chosen + (event.key === "ArrowDown" ? 1 : options.length - 1)) % options.length);
    } else if (open && (event.key === "Tab" || (event.key === "Enter" && options[chosen]?.word !== wish?.typed))) {
      event.preventDefault();
      take(chosen);
    } else if (event.key === "Escape" && (open || reply)) {
      event.preventDefault();
      event.stopPropagation();
      if (open) dismiss();
      else onReply(null);
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      void send();
    }
  };

  const hint = guest && nick === "" ? t("chat.write.hint") : t("chat.write.as", { name: room.you?.name ?? "" });
  return (
    <div className="relative px-4 pt-2 pb-[max(12px,env(safe-area-inset-bottom))]">
      {open && (
        <ul id={list} role="listbox" aria-label={t("chat.suggestions")} tabIndex={0} className="absolute inset-x-4 bottom-full z-20 max-h-72 overflow-y-auto rounded-m border border-line bg-surface p-1 shadow-lg">
          {options.map((option, index) => (
            <li
              key={option.word}
              id={`${list}-${index}`}
              role="option"
              aria-selected={index === chosen}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => take(index)}
              className={classes("flex min-h-11 cursor-pointer flex-col justify-center rounded-s px-3 py-1.5 md:min-h-9", index === chosen && "bg-raised")}
            >
              <span className="text-m font-semibold">{option.usage}</span>
              {option.help && <span className="text-xs text-ink-2">{option.help}</span>}
            </li>
          ))}
        </ul>
      )}
      {reply && (
        <div className="mb-1.5 flex items-center gap-2 rounded-m bg-raised py-0.5 pl-3 text-s text-ink-2">
          <span className="min-w-0 flex-1 truncate">
            <b className="font-semibold text-ink">{t("chat.replying", { name: reply.user.name })}</b> {reply.text}
          </span>
          <button type="button" aria-label={t("chat.reply.stop")} title={t("chat.reply.stop")} onClick={() => onReply(null)} className="grid size-11 shrink-0 place-items-center text-ink-3 hover:text-ink md:size-9">
            <X size={16} aria-hidden />
          </button>
        </div>
      )}
      <form
        className="flex items-end gap-0.5 rounded-m border border-edge bg-paper pr-1 pl-3.5 outline-offset-2 outline-focus has-[textarea:focus-visible]:outline-2"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <textarea
          ref={field}
          rows={1}
          value={text}
          placeholder={hint}
          aria-label={t("chat.write")}
          aria-controls={open ? list : undefined}
          aria-activedescendant={open ? `${list}-${chosen}` : undefined}
          aria-autocomplete="list"
          enterKeyHint="send"
          onChange={(event) => {
            setText(event.target.value);
            setCursor(event.target.selectionStart);
          }}
          onSelect={(event) => setCursor(event.currentTarget.selectionStart)}
          onKeyDown={press}
          className="max-h-28 min-h-11 min-w-0 flex-1 resize-none rounded-s bg-transparent py-2.5 text-base text-ink outline-transparent [field-sizing:content] placeholder:text-ink-3"
        />
        <span className="flex h-11 items-center">
          {left <= COUNT_FROM && (
            <span className={classes("num px-1 text-xs", left < 0 ? "text-live" : "text-ink-3")}>
              <span aria-hidden>{left}</span>
              <span className="sr-only" role="status">
                {left < 0 ? t("chat.letters.over", { n: -left }) : t("chat.letters", { n: left })}
              </span>
            </span>
          )}
          <EmojiPicker onPick={add} disabled={false} />
          <button
            type="submit"
            disabled={text.trim() === "" || left < 0 || slow > 0}
            aria-label={slow > 0 ? t("chat.send.in", { n: slow }) : t("chat.send")}
            title={slow > 0 ? t("chat.send.in", { n: slow }) : t("chat.send")}
            className="num grid size-11 shrink-0 place-items-center disabled:opacity-60"
          >
            <span className="grid size-8 place-items-center rounded-full bg-ink text-s font-bold text-paper">{slow > 0 ? slow : <ArrowUp size={17} aria-hidden />}</span>
          </button>
        </span>
      </form>
      <Nickname
        open={asking}
        onClose={() => setAsking(false)}
        onNamed={(name) => {
          prefer({ nick: name });
          setAsking(false);
          field.current?.focus();
          void send(true);
        }}
      />
    </div>
  );
}

type Option = { word: string; usage: string; help: string };

/** What may be completed here, and which of it is chosen. */
function useOptions(text: string, cursor: number): { options: Option[]; chosen: number; setChosen: (index: number) => void; dismiss: () => void; wish: Wish | null } {
  const { language } = useLanguage();
  const room = useRoom();
  const commands = useCommands(text.startsWith("/"));
  const [state, setState] = useState({ text: "", chosen: 0, gone: false });
  const fresh = state.text === text ? state : { text, chosen: 0, gone: false };
  const wish = useMemo(() => wishOf(text, cursor), [text, cursor]);
  const options = useMemo(() => {
    if (!wish || fresh.gone) return [];
    if (wish.kind === "command") return commandsFor(wish.typed, commands).map((command) => ({ word: command.name, usage: command.usage, help: command.help[language] }));
    const names = new Set<string>();
    for (let at = room.entries.length - 1; at >= 0 && names.size < 200; at--) {
      const message = room.entries[at]?.message;
      if (message && message.kind !== "system" && message.user.id !== room.you?.id) names.add(message.user.name);
    }
    return namesFor(wish.typed, [...names]).map((name) => ({ word: name, usage: `@${name}`, help: "" }));
  }, [wish, fresh.gone, commands, language, room.entries, room.you]);
  return {
    options,
    chosen: Math.min(fresh.chosen, Math.max(0, options.length - 1)),
    setChosen: (chosen) => setState({ text, chosen, gone: false }),
    dismiss: () => setState({ text, chosen: 0, gone: true }),
    wish,
  };
}

/** The commands this page may use, asked for when the first slash is typed. */
function useCommands(wanted: boolean): CommandInfo[] {
  const store = useStore();
  const role = useRoom().you?.role ?? "guest";
  const [known, setKnown] = useState<{ role: string; commands: CommandInfo[] }>({ role: "", commands: [] });
  useEffect(() => {
    if (!wanted || known.role === role) return;
    store.call("chat.commands").then(
      (answer) => setKnown({ role, commands: (answer as { commands: CommandInfo[] }).commands }),
      () => undefined,
    );
  }, [store, wanted, role, known.role]);
  return known.commands;
}
