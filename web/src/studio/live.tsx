import { LoaderCircle, Pencil, RadioTower } from "lucide-react";
import { useMemo, useState } from "react";
import { api } from "../api/client";
import type { Channel, LiveStream } from "../api/types";
import { CrowdDesk } from "../desk";
import { bitrate, clock } from "../i18n/moments";
import { sourceOf } from "../player/engine";
import { Player } from "../player/player";
import { useNow } from "../store/clock";
import { useT } from "../store/language";
import { Button } from "../ui/button";
import { Confirm } from "../ui/confirm";
import { Dialog } from "../ui/dialog";
import { Failed, Loading } from "../ui/states";
import { About } from "./about";
import { Graph } from "./graph";
import { Health } from "./health";
import { Log } from "./log";
import { Send } from "./send";
import { useStudio } from "./stream";

const SAMPLES = 300;

/** `/studio/live`: going live on one screen. */
export function LiveRoom({ slug }: { slug: string }) {
  const { channel, stream, log } = useStudio(slug);
  const t = useT();
  const [editing, setEditing] = useState(false);
  const [ending, setEnding] = useState(false);
  const [layer, setLayer] = useState<HTMLElement | null>(null);
  const found = channel.value;
  if (!found) return channel.error ? <Failed page error={channel.error} retry={channel.reload} /> : <Loading />;
  const live = found.live.state !== "offline";
  return (
    <div className="grid gap-x-8 gap-y-6 lg:grid-cols-[minmax(0,1.35fr)_minmax(0,1fr)] lg:grid-rows-[auto_auto_auto_1fr]">
      <div className="flex flex-wrap items-center gap-3 lg:col-span-2">
        <h1 className="min-w-0 flex-[1_1_240px] text-xl font-bold tracking-tight">{found.title || found.name}</h1>
        <Button icon={<Pencil size={16} aria-hidden />} onClick={() => setEditing(true)}>
          {t("go.edit")}
        </Button>
        {live && found.publish && (
          <Button look="live" onClick={() => setEnding(true)}>
            {t("go.end")}
          </Button>
        )}
      </div>
      <section className="flex min-w-0 flex-col gap-3.5">
        <Preview channel={found} onLayer={setLayer} />
        {stream && live && <Signal stream={stream} />}
      </section>
      {/* On a phone the crowd comes before the figures: a host answers people first. */}
      <div className="min-w-0 lg:col-start-2 lg:row-span-3 lg:row-start-2">
        <CrowdDesk channel={found} layer={layer} />
      </div>
      {stream && live && (
        <section className="flex min-w-0 flex-col gap-3.5">
          <Figures stream={stream} />
        </section>
      )}
      <div className="min-w-0">
        <Send channel={found} />
        <Log lines={log} />
      </div>
      <Dialog open={editing} onClose={() => setEditing(false)} title={t("go.edit")}>
        <About
          channel={found}
          autoFocus
          onSaved={(saved) => {
            channel.put(saved);
            setEditing(false);
          }}
        />
      </Dialog>
      <Confirm open={ending} onClose={() => setEnding(false)} title={t("go.end.title")} action={t("go.end.do")} work={() => api.post(`/channels/${found.id}/end`)}>
        {t("go.end.text")}
      </Confirm>
    </div>
  );
}

/** The picture as viewers see it, or the wait for it; effects are drawn over it. */
function Preview({ channel, onLayer }: { channel: Channel; onLayer: (layer: HTMLElement | null) => void }) {
  const t = useT();
  const source = useMemo(() => sourceOf(channel.slug, channel.dvr_window_s), [channel.slug, channel.dvr_window_s]);
  return (
    <Player
      muted
      source={source}
      name={channel.name}
      state={channel.live.state}
      beganAt={channel.live.began_at}
      viewers={channel.live.viewers}
      theatre={null}
      layer={<div ref={onLayer} className="absolute inset-0" />}
      offline={
        <div role="status" className="flex max-w-[44ch] flex-col items-center px-5 text-center text-white">
          <span className="relative mb-4 grid size-14 place-items-center">
            <LoaderCircle size={56} strokeWidth={1} className="absolute animate-spin text-white/60 [animation-duration:2.4s]" aria-hidden />
            <RadioTower size={24} aria-hidden />
          </span>
          <p className="text-l font-bold">{t("go.waiting")}</p>
          <p className="mt-1.5 text-m text-white/85">{t("go.waiting.text")}</p>
        </div>
      }
      className="aspect-video w-full rounded-l"
    />
  );
}

/** How the signal is, in sentences. */
function Signal({ stream }: { stream: LiveStream }) {
  const t = useT();
  const now = useNow(1000);
  if (stream.state !== "reconnecting") return <Health stream={stream} />;
  const left = stream.reconnect_by ? Math.max(0, Math.round((Date.parse(stream.reconnect_by) - now) / 1000)) : null;
  return (
    <p role="status" className="rounded-m bg-warn-soft px-4 py-3.5 text-m">
      {t("go.reconnecting", { n: left ?? "–" })}
    </p>
  );
}

function Figures({ stream }: { stream: LiveStream }) {
  const t = useT();
  const now = useNow(1000);
  const uptime = Math.max(0, (now - Date.parse(stream.began_at)) / 1000);
  const figures: [string, string][] = [
    [t("figure.viewers"), t("viewers.short", { n: stream.viewers })],
    [t("figure.peak"), t("viewers.short", { n: stream.peak_viewers })],
    [t("figure.bitrate"), bitrate(stream.bitrate_bps)],
    [t("figure.fps"), t("figure.fps.value", { n: Math.round(stream.fps) })],
  ];
  return (
    <>
      <dl className="grid grid-cols-2 gap-px overflow-hidden rounded-m bg-line sm:grid-cols-4 lg:grid-cols-2 xl:grid-cols-4">
        {figures.map(([name, value]) => (
          <div key={name} className="bg-surface px-3.5 py-3">
            <dt className="text-xs text-ink-2">{name}</dt>
            <dd className="num text-[1.1875rem] font-semibold tracking-tight">{value}</dd>
          </div>
        ))}
      </dl>
      <div className="grid gap-3 sm:grid-cols-2">
        <Graph name={t("figure.bitrate")} label={t("graph.bitrate", { now: bitrate(stream.bitrate_bps) })} now={bitrate(stream.bitrate_bps)} values={stream.samples.map((sample) => sample.bitrate_bps)} count={SAMPLES} tone="good" />
        <Graph name={t("figure.fps")} label={t("graph.fps", { now: stream.fps.toFixed(0) })} now={stream.fps.toFixed(1)} values={stream.samples.map((sample) => sample.fps)} count={SAMPLES} tone="link" />
      </div>
      <p className="num text-s text-ink-3">
        {t("go.uptime", { time: clock(uptime) })} · {stream.publisher.peer} · {stream.publisher.user_agent || stream.publisher.door}
      </p>
    </>
  );
}
