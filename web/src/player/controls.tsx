import { Maximize, Minimize, Pause, PictureInPicture2, Play, RectangleHorizontal, Volume1, Volume2, VolumeX } from "lucide-react";
import type { ReactNode } from "react";
import { clock } from "../i18n/moments";
import { useT } from "../store/language";
import { classes } from "../ui/classes";
import type { Playback } from "./session";
import type { Action } from "./keys";

type ButtonProps = { label: string; onClick: () => void; children: ReactNode; className?: string; pressed?: boolean };

/** A button on the picture. */
export function Control({ label, onClick, children, className, pressed }: ButtonProps) {
  return (
    <button
      type="button"
      aria-label={label}
      aria-pressed={pressed}
      title={label}
      onClick={onClick}
      className={classes("size-11 shrink-0 place-items-center rounded-full transition hover:bg-white/15 md:size-9", className ?? "grid")}
    >
      {children}
    </button>
  );
}

/** How loud it is, from nothing to all. */
function Loudness({ state, onVolume, className }: { state: Playback; onVolume: (volume: number) => void; className: string }) {
  const t = useT();
  const shown = state.muted ? 0 : state.volume;
  return (
    <input
      type="range"
      min={0}
      max={1}
      step={0.05}
      value={shown}
      aria-label={t("player.volume")}
      onChange={(event) => onVolume(Number(event.target.value))}
      className={classes("slider h-11", className)}
      style={{ "--fill": `${shown * 100}%` }}
    />
  );
}

/** How far behind live the picture is, measured; a press goes to live when it is not there. */
export function LatencyChip({ state, onLive }: { state: Playback; onLive: () => void }) {
  const t = useT();
  const { latencyS } = state;
  const look = "num inline-flex h-7 items-center gap-2 rounded-full bg-white/16 px-3 text-s whitespace-nowrap";
  if (state.following && !state.paused) {
    if (latencyS === null) return null;
    return (
      <span className={classes(look, "shrink-0")} title={t("player.latency.label", { s: latencyS.toFixed(1) })} data-latency={latencyS}>
        <span aria-hidden className="size-[7px] rounded-full bg-white" />
        {t("player.latency", { s: latencyS.toFixed(1) })}
      </span>
    );
  }
  return (
    <button type="button" className="group inline-flex h-11 shrink-0 items-center rounded-full md:h-7" onClick={onLive} data-latency={latencyS ?? undefined}>
      <span className={classes(look, "transition group-hover:bg-white/25")}>
        <span aria-hidden className="size-[7px] rounded-full bg-white/50" />
        {t("player.golive")}
        {latencyS !== null && latencyS > 3 && <span className="max-sm:hidden">· {t("player.behind", { time: clock(latencyS) })}</span>}
      </span>
    </button>
  );
}

export function VolumeControl({ state, act, onVolume }: { state: Playback; act: (action: Action) => void; onVolume: (volume: number) => void }) {
  const t = useT();
  const shown = state.muted ? 0 : state.volume;
  const Icon = shown === 0 ? VolumeX : shown < 0.5 ? Volume1 : Volume2;
  return (
    <span className="group flex items-center">
      <Control label={t(state.muted ? "player.unmute" : "player.mute")} onClick={() => act("mute")}>
        <Icon size={20} aria-hidden />
      </Control>
      <Loudness
        state={state}
        onVolume={onVolume}
        className="w-0 opacity-0 transition-[width,opacity] duration-150 group-focus-within:w-20 group-focus-within:opacity-100 group-hover:w-20 group-hover:opacity-100 max-md:hidden"
      />
    </span>
  );
}

type BarProps = {
  state: Playback;
  uptimeS: number | null;
  fullscreen: boolean;
  theatre: boolean | null;
  act: (action: Action) => void;
  onVolume: (volume: number) => void;
  seek: ReactNode;
  menu: ReactNode;
};

/** The row of controls at the foot of the picture. */
export function ControlBar({ state, uptimeS, fullscreen, theatre, act, onVolume, seek, menu }: BarProps) {
  const t = useT();
  return (
    <div className="@container pt-10">
      {seek}
      <div className="flex items-center gap-0.5 md:gap-1">
        <Control label={t(state.paused ? "player.play" : "player.pause")} onClick={() => act("play")}>
          {state.paused ? <Play size={20} aria-hidden /> : <Pause size={20} aria-hidden />}
        </Control>
        <VolumeControl state={state} act={act} onVolume={onVolume} />
        {uptimeS !== null && <span className="num mr-2 ml-1 hidden text-s whitespace-nowrap @min-[480px]:inline">{clock(uptimeS - (state.latencyS ?? 0))}</span>}
        <LatencyChip state={state} onLive={() => act("live")} />
        <span className="flex-1" />
        {state.height > 0 && <span className="num mr-1 hidden text-s whitespace-nowrap @min-[560px]:inline">{t("player.quality.source", { p: String(state.height) })}</span>}
        {menu}
        {document.pictureInPictureEnabled && (
          <Control label={t("player.pip")} onClick={() => act("pip")} pressed={state.inPicture} className="grid max-md:hidden">
            <PictureInPicture2 size={20} aria-hidden />
          </Control>
        )}
        {theatre !== null && (
          <Control label={t(theatre ? "player.theatre.off" : "player.theatre")} onClick={() => act("theatre")} pressed={theatre} className="grid max-md:hidden">
            <RectangleHorizontal size={20} aria-hidden />
          </Control>
        )}
        <Control label={t(fullscreen ? "player.fullscreen.off" : "player.fullscreen")} onClick={() => act("fullscreen")}>
          {fullscreen ? <Minimize size={20} aria-hidden /> : <Maximize size={20} aria-hidden />}
        </Control>
      </div>
    </div>
  );
}
