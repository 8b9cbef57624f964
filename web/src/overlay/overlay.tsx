import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { api } from "../api/client";
import type { components } from "../api/schema";
import { money } from "../chat/money";
import { RoomStore } from "../chat/store";
import type { Goal } from "../chat/wire";
import { EffectStage } from "../effects/stage";
import { useLanguage } from "../store/language";
import { useResource } from "../store/resource";
import { classes } from "../ui/classes";
import { alertOf, AlertQueue, type Alert, type Options } from "./alerts";
import { OverlayLine } from "./line";

type View = components["schemas"]["OverlayView"];
type Heard = { t: string; id: string; widget?: string; text?: string; paid?: Parameters<typeof alertOf>[0]["paid"] & { effect?: string }; options?: Options; kind?: string; ids?: string[] };
/** Whoever listens to what the line hears. */
class Ears {
  private listener: (event: Heard) => void = () => undefined;

  listen(listener: (event: Heard) => void): void {
    this.listener = listener;
  }

  hear(event: Heard): void {
    this.listener(event);
  }
}

/** What the studio's test buttons show for a moment. */
type Tried = { line?: string; goal?: Goal };

const LOOK_MS = 200;
const TRIED_MS = 8000;
const OUTLINE = { textShadow: "0 1px 3px rgb(0 0 0 / 0.9), 0 0 10px rgb(0 0 0 / 0.5)" };

/** `/overlay/{secret}`: a transparent page for OBS; `?show=chat,alerts` takes some of its widgets. */
export function Overlay({ secret }: { secret: string }) {
  const { t } = useLanguage();
  const view = useResource<View>(secret, () => api.get(`/overlays/${encodeURIComponent(secret)}`), { everyMs: 60_000 });
  useEffect(() => {
    for (const each of [document.documentElement, document.body]) each.style.background = "transparent";
    document.title = "Overlay";
  }, []);
  if (view.value) return <Widgets key={view.value.channel} view={view.value} />;
  if (!view.error) return null;
  return (
    <main className="p-6 text-l font-bold text-white" style={OUTLINE}>
      {t("overlay.gone")}
    </main>
  );
}

function shownWidgets(): Set<string> {
  const asked = new URLSearchParams(location.search).get("show");
  return new Set(asked ? asked.split(",") : ["chat", "alerts", "goal", "effects"]);
}

function Widgets({ view }: { view: View }) {
  const [shows] = useState(shownWidgets);
  const [options, setOptions] = useState<Options>(view.options);
  const [alert, setAlert] = useState<Alert | null>(null);
  const [tried, setTried] = useState<Tried>({});
  const layer = useRef<HTMLDivElement>(null);
  const current = useRef(options);
  useEffect(() => {
    current.current = options;
  }, [options]);
  const [ears] = useState(() => new Ears());
  const store = useMemo(
    () => new RoomStore(view.channel, () => new OverlayLine(view.channel, view.play_token, (event) => ears.hear(event as Heard))),
    [view.channel, view.play_token, ears],
  );

  useEffect(() => {
    const stage = layer.current ? new EffectStage(layer.current, () => false) : null;
    const queue = new AlertQueue(setAlert);
    let trying: ReturnType<typeof setTimeout> | undefined;
    const show = (made: Tried) => {
      setTried((before) => ({ ...before, ...made }));
      clearTimeout(trying);
      trying = setTimeout(() => setTried({}), TRIED_MS);
    };
    const hear = (event: Heard) => {
      const tried = event.t === "overlay_test" ? event.widget : null;
      if (tried === "chat") show({ line: event.text ?? "" });
      if (tried === "goal") show({ goal: { title: event.text ?? "", amount: 100_000, reached: 65_000, currency: event.paid?.currency ?? "KRW" } });
      if (event.t === "overlay_options" && event.options) setOptions(event.options);
      if (event.t === "delete" && event.ids) queue.forget(event.ids);
      if (shows.has("alerts") && event.paid && (tried === "alerts" || (event.t === "message" && event.kind === "paid"))) {
        const made = alertOf({ id: event.id, text: event.text ?? "", paid: event.paid, ...("user" in event ? { user: event.user as never } : {}) }, current.current);
        if (made) queue.add(made);
      }
      if (shows.has("effects") && tried === "effects") stage?.draw({ id: event.id, kind: event.paid?.effect || "confetti", wall: 0 });
    };
    ears.listen(hear);
    store.open();
    // Whoever streams sees no delay: OBS mixes what happens now.
    const leave = store.onEffect((effect) => shows.has("effects") && stage?.draw(effect));
    const timer = setInterval(() => queue.tick(Date.now(), current.current.shown_s), LOOK_MS);
    return () => {
      leave();
      clearInterval(timer);
      clearTimeout(trying);
      stage?.stop();
      store.close();
    };
  }, [store, shows, ears]);

  return (
    <main className="fixed inset-0 overflow-hidden text-white" data-overlay="ready">
      <div ref={layer} className="absolute inset-0" />
      {shows.has("goal") && <GoalBar store={store} tried={tried.goal ?? null} />}
      {shows.has("chat") && <Lines store={store} most={options.lines} tried={tried.line ?? null} beside={shows.has("goal")} />}
      {shows.has("alerts") && <AlertBox alert={alert} options={options} />}
    </main>
  );
}

function AlertBox({ alert, options }: { alert: Alert | null; options: Options }) {
  const { t, language } = useLanguage();
  useEffect(() => {
    if (alert && options.speech && "speechSynthesis" in window) {
      const name = alert.name || t("overlay.anonymous");
      const words = new SpeechSynthesisUtterance(`${t("overlay.paid", { name, amount: money(language, alert.amount, alert.currency) })}. ${alert.text}`);
      words.volume = options.volume;
      words.lang = options.voice === "en" || (options.voice === "auto" && !/[가-힣]/.test(alert.text)) ? "en-US" : "ko-KR";
      speechSynthesis.speak(words);
    }
    return () => {
      if ("speechSynthesis" in window) speechSynthesis.cancel();
    };
  }, [alert, options.speech, options.volume, options.voice, language, t]);
  if (!alert) return null;
  return (
    <section data-alert={alert.id} className="absolute top-[8%] left-1/2 w-[min(720px,86vw)] -translate-x-1/2 animate-[appear_200ms_ease-out] rounded-l border-l-8 bg-black/75 px-6 py-5" style={{ borderColor: alert.color }}>
      <p className="text-[26px] leading-tight font-bold">{t("overlay.paid", { name: alert.name || t("overlay.anonymous"), amount: money(language, alert.amount, alert.currency) })}</p>
      {alert.text && <p className="mt-2 text-[22px] leading-snug break-words">{alert.text}</p>}
    </section>
  );
}

function GoalBar({ store, tried }: { store: RoomStore; tried: Goal | null }) {
  const goal = useSyncExternalStore(store.subscribe, () => store.snapshot().goal) ?? tried;
  return goal ? <Bar goal={goal} /> : null;
}

function Bar({ goal }: { goal: Goal }) {
  const { language } = useLanguage();
  const part = Math.min(1, goal.reached / goal.amount);
  return (
    <section className="absolute inset-x-[28%] bottom-[4%] flex flex-col gap-1.5 font-bold" style={OUTLINE}>
      <div className="flex justify-between text-[22px] tabular-nums">
        <span>{goal.title}</span>
        <span>
          {money(language, goal.reached, goal.currency)} / {money(language, goal.amount, goal.currency)}
        </span>
      </div>
      <div className="h-4 overflow-hidden rounded-full bg-black/60" role="progressbar" aria-valuenow={Math.round(part * 100)} aria-valuemin={0} aria-valuemax={100} aria-label={goal.title}>
        <div className="h-full rounded-full bg-gold transition-[width] duration-200" style={{ width: `${part * 100}%` }} />
      </div>
    </section>
  );
}

type LinesProps = { store: RoomStore; most: number; tried: string | null; beside: boolean };

/** Lines of the chat; `beside` the goal they end before it, alone they take a narrow source whole. */
function Lines({ store, most, tried, beside }: LinesProps) {
  const { t } = useLanguage();
  const entries = useSyncExternalStore(store.subscribe, () => store.snapshot().entries);
  const shown = entries.filter(({ message }) => !message.deleted && message.kind !== "system").slice(-most);
  return (
    <ol className={classes("absolute bottom-[4%] left-[2%] flex flex-col justify-end gap-1.5 text-[22px] leading-snug font-semibold", beside ? "w-[min(420px,25vw)]" : "w-[min(420px,96vw)]")} style={OUTLINE}>
      {shown.map(({ message }) => (
        <li key={message.id} className="break-words">
          <b className="mr-2 text-gold">{message.user.name || t("chat.anonymous")}</b>
          {message.text}
        </li>
      ))}
      {tried !== null && (
        <li className="break-words">
          <b className="mr-2 text-gold">{t("overlay.title")}</b>
          {tried}
        </li>
      )}
    </ol>
  );
}
