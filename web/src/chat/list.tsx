import { ArrowDown } from "lucide-react";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { useT } from "../store/language";
import { usePreferences } from "../store/preferences";
import { classes } from "../ui/classes";
import { rush } from "./pace";
import { Row, type RowActs } from "./row";
import { useRoom, useStore } from "./store";
import { Heights, spanOf } from "./window";

/** As far from the bottom one still follows. */
const NEAR_PX = 32;
/** As near to the top, older messages are fetched. */
const TOP_PX = 300;
const GUESS_PX = 26;

const sizes = { s: "text-s", m: "text-m", l: "text-[1.0625rem]" };

/**
 * The messages, the newest at the bottom. Its scroll is counted from the bottom (`column-reverse`), so that it stays
 * there by itself, and older messages come in above without a jump. While somebody reads back it stands still and
 * counts what is new, until somebody writes.
 */
export function MessageList({ acts, label }: { acts: RowActs; label: string }) {
  const t = useT();
  const store = useStore();
  const room = useRoom();
  const { chatAll, chatSize, chatTimes } = usePreferences();
  const box = useRef<HTMLDivElement>(null);
  const [heights] = useState(() => new Heights(GUESS_PX));
  const [view, setView] = useState({ from: 0, px: 800 });
  const [, remeasured] = useState(0);
  const [stopped, setStopped] = useState<string | null>(null);
  const [active, setActive] = useState<string | null>(null);

  const shown = useMemo(() => (chatAll ? room.entries : room.entries.filter((entry) => !entry.quiet)), [room.entries, chatAll]);
  const stop = stopped === null ? -1 : shown.findIndex((entry) => entry.key === stopped);
  const rows = stop < 0 ? shown : shown.slice(0, stop + 1);
  const fresh = stop < 0 ? 0 : shown.length - rows.length;
  const span = spanOf(rows.length, (index) => heights.of(rows[index]?.key ?? ""), view.from, view.px);
  const drawn = rows.slice(span.start, span.end);

  const observer = useMemo(() => watchHeights(heights, () => remeasured((turn) => turn + 1)), [heights]);
  useEffect(() => () => observer.disconnect(), [observer]);
  useEffect(() => {
    if (heights.size > rows.length * 2 + 200) heights.keep(rows.map((entry) => entry.key));
  }, [heights, rows]);

  // The message where somebody stopped may have gone: then the newest are followed again.
  const reading = stop >= 0;
  const last = shown.at(-1)?.key ?? null;
  useEffect(() => store.readBack(reading), [store, reading]);

  const measure = useCallback(() => {
    const element = box.current;
    if (!element) return;
    const from = Math.max(0, -element.scrollTop);
    setView((before) => (Math.abs(before.from - from) < 60 && before.px === element.clientHeight && (from > 0 || before.from === 0) ? before : { from, px: element.clientHeight }));
    const near = from <= NEAR_PX;
    setStopped((before) => (near ? null : (before ?? last)));
    const top = element.scrollHeight - element.clientHeight - from;
    if (top < TOP_PX && element.scrollHeight > element.clientHeight) void store.older().catch(() => undefined);
  }, [store, last]);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const watch = new ResizeObserver(() => {
      heights.clear();
      measure();
    });
    watch.observe(element);
    return () => watch.disconnect();
  }, [heights, measure]);

  const follow = () => {
    setStopped(null);
    setView((before) => ({ ...before, from: 0 }));
    box.current?.scrollTo({ top: 0 });
  };
  // Who writes while reading back wants to see it: it leads to the newest.
  const sent = shown.at(-1)?.own?.state === "sending" ? last : null;
  useEffect(() => {
    if (sent !== null) box.current?.scrollTo({ top: 0 });
  }, [sent]);

  const walk = (event: KeyboardEvent<HTMLDivElement>) => {
    const keys = ["ArrowUp", "ArrowDown", "End"];
    if (!keys.includes(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (event.key === "End") {
      follow();
      return;
    }
    const places = [...(box.current?.querySelectorAll<HTMLElement>("[data-row]") ?? [])];
    const here = places.findIndex((place) => place === document.activeElement);
    const next = here < 0 ? places.length - 1 : Math.max(0, Math.min(places.length - 1, here + (event.key === "ArrowUp" ? -1 : 1)));
    places[next]?.focus({ preventScroll: true });
    places[next]?.scrollIntoView({ block: "nearest" });
  };

  const perS = useRush();
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <div
        ref={box}
        role="log"
        aria-label={label}
        aria-live={perS > 0 ? "off" : "polite"}
        tabIndex={0}
        onScroll={measure}
        onKeyDown={walk}
        className={classes("flex min-h-0 flex-1 flex-col-reverse overflow-x-hidden overflow-y-auto overscroll-contain py-2 [overflow-anchor:none] focus-visible:-outline-offset-2", sizes[chatSize ?? "m"])}
      >
        <div>
          <div style={{ height: span.above }} />
          {span.start === 0 && room.older === null && rows.length > 0 && <p className="px-4 py-3 text-center text-s text-ink-3">{t("chat.begin")}</p>}
          {drawn.map((entry) => (
            <Watched key={entry.key} observer={observer} id={entry.key}>
              <Row entry={entry} me={room.you?.id ?? null} times={chatTimes === true} acts={acts} active={active === entry.key} onActive={setActive} />
            </Watched>
          ))}
          <div style={{ height: span.below }} />
        </div>
      </div>
      {shown.length === 0 && room.link.state === "open" && <p className="pointer-events-none absolute inset-0 grid place-items-center px-6 text-center text-m text-ink-2">{t("chat.empty")}</p>}
      {reading && (
        <button
          type="button"
          onClick={follow}
          className="absolute bottom-2 left-1/2 inline-flex h-11 -translate-x-1/2 items-center gap-2 rounded-full bg-ink px-4 text-m font-semibold whitespace-nowrap text-paper shadow-lg md:h-9"
        >
          <ArrowDown size={16} aria-hidden />
          {fresh > 0 ? t("chat.new", { n: fresh }) : t("chat.newest")}
        </button>
      )}
      {perS > 0 && chatAll !== true && !reading && (
        <p className="pointer-events-none absolute inset-x-3 bottom-1 rounded-s bg-raised/95 px-3 py-1.5 text-center text-xs text-ink-2">{t("chat.rush", { n: perS })}</p>
      )}
    </div>
  );
}

/** Messages a second while there are more than can be read. */
function useRush(): number {
  const { pace } = useRoom();
  const [perS, setPerS] = useState(0);
  const latest = useRef(pace);
  useEffect(() => {
    latest.current = pace;
  }, [pace]);
  useEffect(() => {
    const timer = setInterval(() => setPerS(Math.round(rush(latest.current, Date.now()) / 10) * 10), 1000);
    return () => clearInterval(timer);
  }, []);
  return perS;
}

type Watcher = { observe: (element: HTMLElement, id: string) => () => void; disconnect: () => void };

/** One observer for all rows; `changed` is called once per frame in which a height was news. */
function watchHeights(heights: Heights, changed: () => void): Watcher {
  const ids = new Map<Element, string>();
  const observer = new ResizeObserver((entries) => {
    let news = false;
    for (const { target, borderBoxSize } of entries) {
      const id = ids.get(target);
      const height = borderBoxSize[0]?.blockSize ?? 0;
      if (id !== undefined && height > 0 && heights.put(id, height)) news = true;
    }
    if (news) changed();
  });
  return {
    observe(element, id) {
      ids.set(element, id);
      observer.observe(element);
      return () => {
        ids.delete(element);
        observer.unobserve(element);
      };
    },
    disconnect: () => observer.disconnect(),
  };
}

function Watched({ observer, id, children }: { observer: Watcher; id: string; children: ReactNode }) {
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => (element.current ? observer.observe(element.current, id) : undefined), [observer, id]);
  return <div ref={element}>{children}</div>;
}
