import { Activity, Check, CircleHelp, PictureInPicture2, Settings, Volume1, Volume2 } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import type { ReactNode } from "react";
import { useT } from "../store/language";
import { classes } from "../ui/classes";
import type { EngineName } from "./engine";
import { engineThatWorks, type Playback } from "./session";
import type { Action } from "./keys";

type Props = {
  state: Playback;
  wished: EngineName;
  container: HTMLElement | null;
  onVolume: (volume: number) => void;
  onQuality: (quality: string) => void;
  onEngine: (engine: EngineName) => void;
  act: (action: Action) => void;
  onOpen: (open: boolean) => void;
};

const item = "flex min-h-11 items-center gap-3 rounded-s px-3 text-m outline-none data-highlighted:bg-white/15 md:min-h-9";

function Choice({ value, note, children }: { value: string; note?: string; children: ReactNode }) {
  return (
    <DropdownMenu.RadioItem value={value} className={item}>
      <span className="w-4">
        <DropdownMenu.ItemIndicator>
          <Check size={16} aria-hidden />
        </DropdownMenu.ItemIndicator>
      </span>
      <span className="num flex-1">{children}</span>
      {note && <span className="text-xs text-white/75">{note}</span>}
    </DropdownMenu.RadioItem>
  );
}

function Heading({ children }: { children: ReactNode }) {
  return <DropdownMenu.Label className="px-3 pt-2 pb-1 text-xs font-semibold text-white/75">{children}</DropdownMenu.Label>;
}

/** A step of the volume; a menu has room for items alone, not for a slider. */
const STEP = 0.2;

/** Leaves the menu open: volume is found by trying. */
function Step({ to, onVolume, children }: { to: number; onVolume: (volume: number) => void; children: ReactNode }) {
  const choose = (event: Event) => {
    event.preventDefault();
    onVolume(Math.min(1, Math.max(0, to)));
  };
  return (
    <DropdownMenu.Item className={classes(item, "flex-1")} onSelect={choose}>
      {children}
    </DropdownMenu.Item>
  );
}

/** Quality, way of playing, and what else the player can do: all of it is reachable here on a phone. */
export function PlayerMenu({ state, wished, container, onVolume, onQuality, onEngine, act, onOpen }: Props) {
  const t = useT();
  const usual: EngineName[] = engineThatWorks("hls") === "native" ? ["native"] : ["hls", "flv"];
  const engines: EngineName[] = "RTCPeerConnection" in window ? [...usual, "webrtc"] : usual;
  const rungs = state.qualities.filter((quality) => quality.height > 0);
  const only = rungs.length < 2;
  const height = rungs[0]?.height ?? state.height;
  const volume = state.muted ? 0 : state.volume;
  return (
    <DropdownMenu.Root modal={false} onOpenChange={onOpen}>
      <DropdownMenu.Trigger
        aria-label={t("player.settings")}
        title={t("player.settings")}
        className="grid size-11 shrink-0 place-items-center rounded-full transition hover:bg-white/15 md:size-9"
      >
        <Settings size={20} aria-hidden />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal container={container}>
        <DropdownMenu.Content
          side="top"
          align="end"
          sideOffset={8}
          collisionPadding={8}
          className="z-30 max-h-[min(480px,var(--radix-dropdown-menu-content-available-height))] min-w-[250px] overflow-y-auto rounded-m bg-on-picture p-1.5 text-white"
        >
          <Heading>{t("player.quality")}</Heading>
          <DropdownMenu.RadioGroup value={only ? "only" : state.quality} onValueChange={onQuality}>
            {only ? (
              <Choice value="only">{height ? `${t("player.quality.source", { p: String(height) })} · ${t("player.quality.original")}` : t("player.quality.original")}</Choice>
            ) : (
              [
                <Choice key="" value="">
                  {t("player.quality.auto")}
                </Choice>,
                ...rungs.map((quality) => (
                  <Choice key={quality.id} value={quality.id}>
                    {t("player.quality.source", { p: String(quality.height) })}
                  </Choice>
                )),
              ]
            )}
          </DropdownMenu.RadioGroup>
          <Heading>{t("player.engine")}</Heading>
          <DropdownMenu.RadioGroup value={state.engine ?? wished} onValueChange={(engine) => onEngine(engine === "flv" || engine === "webrtc" ? engine : "hls")}>
            {engines.map((engine) => (
              <Choice key={engine} value={engine} {...(engine === "native" ? {} : { note: t(`player.engine.${engine}.note`) })}>
                {t(`player.engine.${engine}`)}
              </Choice>
            ))}
          </DropdownMenu.RadioGroup>
          <DropdownMenu.Separator className="my-1.5 h-px bg-white/15" />
          <div role="group" aria-label={t("player.volume")} className="flex md:hidden">
            <Step to={volume - STEP} onVolume={onVolume}>
              <Volume1 size={16} aria-hidden />
              {t("player.quieter")}
            </Step>
            <Step to={volume + STEP} onVolume={onVolume}>
              <Volume2 size={16} aria-hidden />
              {t("player.louder")}
            </Step>
          </div>
          {document.pictureInPictureEnabled && (
            <DropdownMenu.Item className={item} onSelect={() => act("pip")}>
              <PictureInPicture2 size={16} aria-hidden />
              {t("player.pip")}
            </DropdownMenu.Item>
          )}
          <DropdownMenu.Item className={item} onSelect={() => act("statistics")}>
            <Activity size={16} aria-hidden />
            {t("player.statistics")}
          </DropdownMenu.Item>
          <DropdownMenu.Item className={item} onSelect={() => setTimeout(() => act("help"))}>
            <CircleHelp size={16} aria-hidden />
            {t("player.help")}
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
