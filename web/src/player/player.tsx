import { VolumeX } from "lucide-react";
import { useCallback, useEffect, useState, type ReactNode } from "react";
import type { ChannelState } from "../api/types";
import { useNow } from "../store/clock";
import { useT } from "../store/language";
import { prefer, usePreferences } from "../store/preferences";
import { classes } from "../ui/classes";
import { LiveBadge } from "../ui/marks";
import { tellBehind } from "./behind";
import { useChrome } from "./chrome";
import { Coming } from "./coming";
import { ControlBar } from "./controls";
import type { EngineName, Source } from "./engine";
import { useFullscreen } from "./fullscreen";
import { Help } from "./help";
import type { Action } from "./keys";
import { PlayerMenu } from "./menu";
import { SeekBar } from "./seek";
import { useShortcuts } from "./shortcuts";
import { PICTURE } from "./stage";
import { Statistics } from "./statistics";
import { usePicture } from "./usePicture";
import { usePlayback } from "./usePlayback";

export type PlayerProps = {
  source: Source;
  name: string;
  state: ChannelState;
  beganAt: string | null;
  viewers: number;
  /** Starts without sound and remembers nothing: an embed or a preview. */
  muted?: boolean;
  /** Null where there is no theatre (an embed, the studio). */
  theatre: boolean | null;
  onTheatre?: () => void;
  /** On the picture, at its top right. */
  corner?: ReactNode;
  /** Drawn over the picture, in full screen too; takes no clicks. */
  layer?: ReactNode;
  /** What stands in the picture's place while there is no broadcast. */
  offline: ReactNode;
  className?: string;
};

/** After the news of the end, what is still buffered plays this long. */
const LAST_FRAMES_MS = 2500;

/** The picture of a channel with everything on it. */
export function Player(props: PlayerProps) {
  const { source, state: channelState, viewers, theatre, onTheatre } = props;
  const t = useT();
  const [root, setRoot] = useState<HTMLElement | null>(null);
  const { session, state } = usePlayback(source.slug, props.muted ?? false);
  // The element belongs to the session, which may be older than this player.
  const hold = useCallback(
    (frame: HTMLElement | null) => {
      if (!frame) return undefined;
      frame.prepend(session.video);
      setRoot(frame);
      return session.attach();
    },
    [session],
  );
  const [full, toggleFull] = useFullscreen(root, () => session.video);
  const [menuOpen, setMenuOpen] = useState(false);
  const [help, setHelp] = useState(false);
  const [statistics, setStatistics] = useState(false);
  const wished = usePreferences().engine ?? "hls";
  const live = channelState !== "offline";
  const showing = state.phase !== "idle";
  const { shown, stir, leave } = useChrome(root, menuOpen || (showing && state.paused && state.phase === "playing"));
  const now = useNow(1000);

  useEffect(() => tellBehind(state.latencyS), [state.latencyS]);
  useEffect(() => {
    if (live) {
      session.play(source);
      return undefined;
    }
    const timer = setTimeout(() => session.stop(), LAST_FRAMES_MS);
    return () => clearTimeout(timer);
  }, [session, live, source]);

  const act = useCallback(
    (action: Action) => {
      stir();
      if (action === "help") setHelp(true);
      else if (action === "theatre") onTheatre?.();
      else if (action === "fullscreen") toggleFull();
      const element = session.video;
      if (!showing) return;
      const behind = session.snapshot().latencyS ?? 0;
      const seekable = session.snapshot().seekable;
      if (action === "play") session.toggle();
      else if (action === "mute") session.setMuted(!element.muted);
      else if (action === "statistics") setStatistics((open) => !open);
      else if (action === "live") session.goLive();
      else if (action === "back" && seekable) session.seekBehind(behind + 10);
      else if (action === "forth" && seekable) session.seekBehind(behind - 10);
      else if (action === "louder") session.setVolume(element.volume + 0.1);
      else if (action === "quieter") session.setVolume(element.volume - 0.1);
      else if (action === "pip") {
        if (document.pictureInPictureElement) void document.exitPictureInPicture();
        else void element.requestPictureInPicture().catch(() => undefined);
      }
    },
    [session, showing, onTheatre, stir, toggleFull],
  );
  useShortcuts(act, root !== null);
  usePicture(session.video, showing, {
    tap: (touch) => {
      if (!touch) act("play");
      else if (shown) leave();
      else stir();
    },
    twice: toggleFull,
  });

  const uptimeS = props.beganAt ? Math.max(0, (now - Date.parse(props.beganAt)) / 1000) : null;
  const windowS = Math.floor(Math.min(source.dvrWindowS, uptimeS ?? 0));
  const chrome = classes("transition-opacity duration-150", shown ? "opacity-100" : "pointer-events-none opacity-0");

  return (
    <div
      ref={hold}
      role="region"
      aria-label={t("watch.player", { name: props.name })}
      // On a phone the menu is longer than the picture: it lies over what stands beneath.
      className={classes(PICTURE, menuOpen && "z-20", !shown && showing && "cursor-none", props.className)}
      data-phase={state.phase}
    >
      {!showing && !live && <div className="dusk absolute inset-0 grid place-items-center">{props.offline}</div>}
      {showing && (
        <>
          <div className={classes("pointer-events-none absolute top-3 left-3 z-10 flex items-center gap-2", chrome)}>
            {live && <LiveBadge />}
            {live && <span className="num on-picture" data-viewers={viewers}>{t("viewers.count", { n: viewers })}</span>}
          </div>
          {props.layer && <div className="pointer-events-none absolute inset-0 overflow-hidden">{props.layer}</div>}
          <Center session={state.phase} reconnecting={channelState === "reconnecting"} failure={state.failure} />
          {state.hushed && (
            <button
              type="button"
              onClick={() => session.setMuted(false)}
              className="absolute top-3 right-3 z-10 inline-flex h-11 items-center gap-2 rounded-full bg-white px-4 text-m font-semibold text-black md:h-9"
            >
              <VolumeX size={18} aria-hidden />
              {t("player.tap")}
            </button>
          )}
          {props.corner && <div className={classes("absolute top-3 right-3 z-10", chrome)}>{props.corner}</div>}
          {statistics && <Statistics session={session} state={state} onClose={() => setStatistics(false)} />}
          <div className={classes("absolute inset-x-0 bottom-0 z-10 bg-linear-to-t from-black/80 to-transparent px-2 pb-1 sm:px-4 sm:pb-2", chrome)}>
            <ControlBar
              state={state}
              uptimeS={uptimeS}
              fullscreen={full}
              theatre={theatre}
              act={act}
              onVolume={(volume) => session.setVolume(volume)}
              seek={state.seekable && windowS > 10 && <SeekBar windowS={windowS} behindS={state.following ? 0 : (state.latencyS ?? 0)} onSeek={(behind) => session.seekBehind(behind)} />}
              menu={
                <PlayerMenu
                  state={state}
                  wished={wished}
                  container={root}
                  onVolume={(volume) => session.setVolume(volume)}
                  onOpen={setMenuOpen}
                  onQuality={(quality) => {
                    prefer({ quality });
                    session.pick(quality);
                  }}
                  onEngine={(engine: EngineName) => {
                    if (engine !== "native") prefer({ engine });
                    session.use(engine);
                  }}
                  act={act}
                />
              }
            />
          </div>
        </>
      )}
      <Help open={help} onClose={() => setHelp(false)} />
    </div>
  );
}

/** In the middle of the picture: that it is coming, that it stumbled, or why it does not come. */
function Center({ session, reconnecting, failure }: { session: string; reconnecting: boolean; failure: string | null }) {
  const t = useT();
  if (session === "failed") {
    return (
      <div role="alert" className="absolute inset-0 z-0 grid place-items-center bg-black/70 p-4 text-center">
        <div>
          <p className="font-bold">{t(failure === "unsupported" ? "watch.unsupported" : "watch.failed")}</p>
          {failure !== "unsupported" && <p className="mt-1 text-m text-white/80">{t("watch.failed.text")}</p>}
        </div>
      </div>
    );
  }
  return session === "playing" ? null : <Coming reconnecting={reconnecting} stalled={session === "stalled"} />;
}

