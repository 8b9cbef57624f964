import { ChartBarBig, ChevronDown, Plus, X } from "lucide-react";
import { useEffect, useId, useRef, useState } from "react";
import { useNow } from "../store/clock";
import { useT } from "../store/language";
import { useSubmit } from "../store/submit";
import { Button, IconButton } from "../ui/button";
import { classes } from "../ui/classes";
import { SelectField, TextField } from "../ui/form";
import { Refused } from "./card";
import { span } from "./say";
import { useRoom, useStore } from "./store";

/** Votes that this page gave, by poll; the server counts one per person. */
const given = new Map<string, number>();

/** Beneath a picture there is room for its question alone until somebody opens it. */
const NARROW_PX = 1024;

/** Lower than this, a chat that shares its height has no room for the choices either. */
const LOW_PX = 860;

/** The room's poll: choices with their share; a click votes, once. */
export function PollCard({ shared }: { shared: boolean }) {
  const t = useT();
  const store = useStore();
  const { poll, you } = useRoom();
  const now = useNow(1000);
  const heading = useId();
  const { busy, error, run } = useSubmit();
  const [mine, setMine] = useState<{ poll: string; choice: number } | null>(null);
  const [unfolded, setUnfolded] = useState(() => window.innerWidth >= NARROW_PX && !(shared && window.innerHeight < LOW_PX));
  const card = useRef<HTMLElement>(null);
  const wasUnfolded = useRef(unfolded);
  useEffect(() => {
    if (unfolded && !wasUnfolded.current) card.current?.scrollIntoView({ block: "nearest" });
    wasUnfolded.current = unfolded;
  }, [unfolded]);
  if (!poll) return null;
  const chosen = mine?.poll === poll.id ? mine.choice : (given.get(poll.id) ?? null);
  const open = poll.state === "open";
  const locked = busy || !open || chosen !== null;
  const vote = (choice: number) => {
    if (locked) return;
    void run(() => store.call("poll.vote", { id: poll.id, choice })).then((done) => {
      if (!done) return;
      given.set(poll.id, choice);
      setMine({ poll: poll.id, choice });
    });
  };
  return (
    <section ref={card} aria-labelledby={heading} className="mx-4 mt-3 mb-2.5 shrink-0 rounded-m bg-raised">
      <h3>
        <button type="button" aria-expanded={unfolded} onClick={() => setUnfolded(!unfolded)} className="flex min-h-11 w-full items-center gap-2.5 rounded-m py-1.5 pr-2.5 pl-3 text-left">
          <ChartBarBig size={16} className="shrink-0 text-ink-3" aria-hidden />
          <span id={heading} className={classes("min-w-0 flex-1 font-semibold", !unfolded && "truncate")}>
            {poll.title}
          </span>
          <span className="num shrink-0 text-xs text-ink-2">
            {t("poll.votes", { n: poll.votes })}
            {open && poll.ends_at !== null && ` · ${t("poll.left", { time: span(t, Math.max(0, (poll.ends_at - now) / 1000)) })}`}
          </span>
          <ChevronDown size={16} className={classes("shrink-0 text-ink-3 transition-transform", unfolded && "rotate-180")} aria-hidden />
        </button>
      </h3>
      <div className={classes("flex flex-col gap-1.5 px-3 pb-3", !unfolded && "hidden")}>
        {poll.choices.map((choice, index) => {
          const count = poll.counts[index] ?? 0;
          const share = poll.votes > 0 ? Math.round((count / poll.votes) * 100) : 0;
          return (
            <button
              key={index}
              type="button"
              // Not `disabled`: who votes by keyboard stays where they are.
              aria-disabled={locked}
              onClick={() => vote(index)}
              className={classes("relative isolate flex min-h-11 items-center gap-2 overflow-hidden rounded-s border px-3 text-left text-m aria-disabled:cursor-default md:min-h-9", chosen === index ? "border-link font-semibold" : "border-edge")}
            >
              <span aria-hidden className="absolute inset-y-0 left-0 -z-10 bg-line transition-[width]" style={{ width: `${share}%` }} />
              <span className="min-w-0 flex-1">{choice}</span>
              <span className="num text-s text-ink-2">{share}%</span>
              <span className="sr-only">{chosen === null && open ? t("poll.vote", { choice }) : `${t("poll.votes", { n: count })}${chosen === index ? `, ${t("poll.mine")}` : ""}`}</span>
            </button>
          );
        })}
        {!open && <p className="mt-0.5 text-s text-ink-2">{t("poll.ended")}</p>}
        {open && you?.can.includes("settings") && (
          <Button look="quiet" className="self-start" disabled={busy} onClick={() => void run(() => store.call("poll.end", { id: poll.id }))}>
            {t("poll.end")}
          </Button>
        )}
        <Refused error={error} />
      </div>
    </section>
  );
}

const DURATIONS_S = [60, 120, 300, 600];
const MOST = 5;

/** A manager asks the room something. */
export function NewPoll({ onDone }: { onDone: () => void }) {
  const t = useT();
  const store = useStore();
  const [title, setTitle] = useState("");
  const [choices, setChoices] = useState(["", ""]);
  const [duration, setDuration] = useState(120);
  const { busy, error, run } = useSubmit();
  const filled = choices.map((choice) => choice.trim()).filter(Boolean);
  return (
    <form
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        void run(() => store.call("poll.create", { title: title.trim(), choices: filled, duration_s: duration })).then((done) => done && onDone());
      }}
    >
      <TextField label={t("poll.question")} value={title} onText={setTitle} maxLength={100} required data-first />
      {choices.map((choice, index) => (
        <div key={index} className="flex items-end gap-1">
          <div className="min-w-0 flex-1">
            <TextField label={t("poll.choice", { n: index + 1 })} value={choice} onText={(text) => setChoices(choices.with(index, text))} maxLength={40} required={index < 2} />
          </div>
          {choices.length > 2 && (
            <IconButton label={`${t("chat.discard")} ${index + 1}`} className="mb-0.5" onClick={() => setChoices(choices.toSpliced(index, 1))}>
              <X size={18} aria-hidden />
            </IconButton>
          )}
        </div>
      ))}
      {choices.length < MOST && (
        <Button look="quiet" icon={<Plus size={16} aria-hidden />} className="self-start" onClick={() => setChoices([...choices, ""])}>
          {t("poll.more")}
        </Button>
      )}
      <SelectField label={t("poll.duration")} value={String(duration)} options={DURATIONS_S.map((seconds) => [String(seconds), span(t, seconds)])} onPick={(value) => setDuration(Number(value))} />
      <Refused error={error} />
      <Button look="primary" type="submit" disabled={busy || title.trim() === "" || filled.length < 2}>
        {t("poll.start")}
      </Button>
    </form>
  );
}
