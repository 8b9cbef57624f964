import { ExternalLink, Settings2 } from "lucide-react";
import { Popover } from "radix-ui";
import { useState, type ReactNode } from "react";
import { useT } from "../store/language";
import { prefer, usePreferences } from "../store/preferences";
import { Button } from "../ui/button";
import { classes } from "../ui/classes";
import { Nickname } from "./nickname";
import { useRoom } from "./store";

/** How the chat looks on this device, and under which name a guest talks; `window` is its page of its own, which a phone finds here. */
export function ChatSettings({ window: own }: { window: string | null }) {
  const t = useT();
  const { you } = useRoom();
  const { chatSize, chatTimes, chatAll, effects } = usePreferences();
  const [naming, setNaming] = useState(false);
  return (
    <>
      <Popover.Root>
        <Popover.Trigger aria-label={t("chat.settings")} title={t("chat.settings")} className="grid size-11 place-items-center rounded-full text-ink-2 transition hover:bg-raised hover:text-ink md:size-9">
          <Settings2 size={18} aria-hidden />
        </Popover.Trigger>
        <Popover.Portal>
          <Popover.Content align="end" sideOffset={6} collisionPadding={8} aria-label={t("chat.settings")} onKeyDown={(event) => event.stopPropagation()} className="z-40 w-[min(300px,calc(100vw-16px))] rounded-m border border-line bg-surface p-3 shadow-lg">
            <fieldset>
              <legend className="pb-1.5 text-s font-semibold text-ink-2">{t("chat.set.size")}</legend>
              <div className="grid grid-cols-3 gap-1 rounded-m bg-raised p-1">
                {(["s", "m", "l"] as const).map((size) => (
                  <button
                    key={size}
                    type="button"
                    aria-pressed={(chatSize ?? "m") === size}
                    onClick={() => prefer({ chatSize: size === "m" ? undefined : size })}
                    className={classes("h-11 rounded-s text-m md:h-9", (chatSize ?? "m") === size && "bg-surface font-semibold shadow-sm")}
                  >
                    {t(`chat.set.size.${size}`)}
                  </button>
                ))}
              </div>
            </fieldset>
            <div className="mt-2">
              <Switch on={chatTimes === true} onChange={(on) => prefer({ chatTimes: on || undefined })}>
                {t("chat.set.times")}
              </Switch>
              <Switch on={effects !== "off"} onChange={(on) => prefer({ effects: on ? undefined : "off" })}>
                {t("chat.set.effects")}
              </Switch>
              <Switch on={chatAll === true} onChange={(on) => prefer({ chatAll: on || undefined })}>
                {t("chat.set.all")}
              </Switch>
            </div>
            {own && (
              <a href={own} target="_blank" rel="noopener" className="flex min-h-11 items-center gap-3 rounded-s text-m hover:underline md:hidden">
                <span className="flex-1">{t("chat.popout")}</span>
                <ExternalLink size={18} className="text-ink-2" aria-hidden />
              </a>
            )}
            {you?.role === "guest" && (
              <Popover.Close asChild>
                <Button look="plain" className="mt-2 w-full" onClick={() => setNaming(true)}>
                  {t("chat.nick.change")}
                </Button>
              </Popover.Close>
            )}
          </Popover.Content>
        </Popover.Portal>
      </Popover.Root>
      <Nickname
        open={naming}
        onClose={() => setNaming(false)}
        onNamed={(nick) => {
          prefer({ nick });
          setNaming(false);
        }}
      />
    </>
  );
}

/** A switch with its words before it. */
export function Switch({ on, onChange, children, disabled }: { on: boolean; onChange: (on: boolean) => void; children: ReactNode; disabled?: boolean }) {
  return (
    <label className="flex min-h-11 cursor-pointer items-center gap-3 text-m">
      <span className="min-w-0 flex-1">{children}</span>
      <input type="checkbox" role="switch" checked={on} disabled={disabled} onChange={(event) => onChange(event.target.checked)} className="peer sr-only" />
      <span
        aria-hidden
        className="relative h-6 w-10 shrink-0 rounded-full bg-edge transition peer-checked:bg-good peer-focus-visible:outline-2 peer-focus-visible:outline-offset-2 peer-focus-visible:outline-focus peer-disabled:opacity-50 after:absolute after:top-1 after:left-1 after:size-4 after:rounded-full after:bg-white after:transition-transform after:content-[''] peer-checked:after:translate-x-4"
      />
    </label>
  );
}
