import { X } from "lucide-react";
import { useEffect, useState } from "react";
import { bitrate } from "../i18n/moments";
import { useT } from "../store/language";
import { IconButton } from "../ui/button";
import type { Playback, PlaybackSession } from "./session";

type Frames = { at: number; total: number; dropped: number; fps: number };

function framesOf(video: HTMLVideoElement, before: Frames | null): Frames {
  const quality = video.getVideoPlaybackQuality();
  const at = performance.now();
  const seconds = before ? (at - before.at) / 1000 : 0;
  const fps = before && seconds > 0 ? (quality.totalVideoFrames - before.total) / seconds : 0;
  return { at, total: quality.totalVideoFrames, dropped: quality.droppedVideoFrames, fps: Math.max(0, fps) };
}

function bufferedAhead({ buffered, currentTime }: HTMLVideoElement): number {
  for (let index = 0; index < buffered.length; index++) {
    if (buffered.start(index) <= currentTime + 0.1 && buffered.end(index) >= currentTime) return buffered.end(index) - currentTime;
  }
  return 0;
}

/** What is being played, in numbers; read from the element once a second. */
export function Statistics({ session, state, onClose }: { session: PlaybackSession; state: Playback; onClose: () => void }) {
  const t = useT();
  const { video } = session;
  const [frames, setFrames] = useState<Frames | null>(null);
  useEffect(() => {
    const timer = setInterval(() => setFrames((before) => framesOf(video, before)), 1000);
    return () => clearInterval(timer);
  }, [video]);
  const facts = session.facts();
  const rows: [string, string][] = [
    [t("player.stats.engine"), state.engine ? t(`player.engine.${state.engine}`) : "–"],
    [t("player.stats.codec"), facts.codecs || "–"],
    [t("player.stats.size"), video.videoWidth ? `${video.videoWidth}×${video.videoHeight}` : "–"],
    [t("player.stats.fps"), frames && frames.fps > 0 ? frames.fps.toFixed(0) : "–"],
    [t("player.stats.bitrate"), facts.bitrate > 0 ? bitrate(facts.bitrate) : "–"],
    [t("player.stats.buffer"), `${bufferedAhead(video).toFixed(1)} s`],
    [t("player.stats.latency"), state.latencyS === null ? "–" : `${state.latencyS.toFixed(1)} s`],
    [t("player.stats.rate"), `${video.playbackRate.toFixed(2)}×`],
    [t("player.stats.dropped"), frames ? `${frames.dropped} / ${frames.total}` : "–"],
  ];
  return (
    <section aria-label={t("player.statistics")} className="absolute top-3 right-3 z-20 w-[min(290px,calc(100%-24px))] rounded-m bg-shade py-1 pl-3.5 text-xs text-white max-sm:top-1 max-sm:right-1 max-sm:bg-on-picture">
      <div className="flex items-center">
        <h2 className="flex-1 text-s font-semibold">{t("player.statistics")}</h2>
        <IconButton label={t("player.stats.close")} onClick={onClose} className="text-white hover:bg-white/15 hover:text-white">
          <X size={18} aria-hidden />
        </IconButton>
      </div>
      <dl className="num grid grid-cols-[auto_1fr] gap-x-3 gap-y-0.5 pr-3 pb-2 max-sm:gap-y-0 max-sm:pb-1">
        {rows.map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="whitespace-nowrap text-white/75">{name}</dt>
            <dd className="text-right font-medium">{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
