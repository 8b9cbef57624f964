import { Smile } from "lucide-react";
import { Popover } from "radix-ui";
import { useRef, type KeyboardEvent } from "react";
import { useT } from "../store/language";
import { prefer, usePreferences } from "../store/preferences";
import { groups, withRecent } from "./emoji";

const COLUMNS = 8;

/** The emoji picker: one stop of Tab, arrows inside. */
export function EmojiPicker({ onPick, disabled }: { onPick: (emoji: string) => void; disabled: boolean }) {
  const t = useT();
  return (
    <Popover.Root>
      <Popover.Trigger aria-label={t("chat.emoji")} title={t("chat.emoji")} disabled={disabled} className="grid size-11 shrink-0 place-items-center rounded-full text-ink-2 transition hover:text-ink disabled:opacity-50 md:size-9">
        <Smile size={20} aria-hidden />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          side="top"
          align="end"
          sideOffset={8}
          collisionPadding={8}
          aria-label={t("chat.emoji")}
          onKeyDown={(event) => event.stopPropagation()}
          className="z-40 max-h-[min(320px,50dvh)] w-[min(376px,calc(100vw-16px))] overflow-y-auto rounded-m border border-line bg-surface p-2 shadow-lg"
        >
          <Grid onPick={onPick} />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function Grid({ onPick }: { onPick: (emoji: string) => void }) {
  const t = useT();
  const recent = usePreferences().emoji ?? [];
  const box = useRef<HTMLDivElement>(null);
  const shown = recent.length > 0 ? [{ word: "chat.emoji.recent" as const, emoji: recent }, ...groups] : groups;
  const move = (event: KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -COLUMNS, ArrowDown: COLUMNS };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const all = [...(box.current?.querySelectorAll<HTMLButtonElement>("button") ?? [])];
    const here = all.findIndex((button) => button === document.activeElement);
    all[Math.max(0, Math.min(all.length - 1, here + step))]?.focus();
  };
  const pick = (emoji: string) => {
    prefer({ emoji: withRecent(recent, emoji) });
    onPick(emoji);
  };
  return (
    <div ref={box} onKeyDown={move}>
      {shown.map(({ word, emoji }, group) => (
        <section key={word} aria-label={t(word)}>
          <h3 className="px-1 pt-1.5 pb-1 text-xs font-semibold text-ink-3">{t(word)}</h3>
          <div className="grid grid-cols-8">
            {emoji.map((each, index) => (
              <button key={each} type="button" tabIndex={group === 0 && index === 0 ? 0 : -1} onClick={() => pick(each)} className="grid h-11 place-items-center rounded-s text-[1.375rem] hover:bg-raised">
                {each}
              </button>
            ))}
          </div>
        </section>
      ))}
    </div>
  );
}
