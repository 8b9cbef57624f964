import { ExternalLink } from "lucide-react";
import { lazy, Suspense, useMemo, useState } from "react";
import { sourceOf, tokenOf } from "../player/engine";
import { Player } from "../player/player";
import { EMBED_PICTURE } from "../player/stage";
import { useChannel } from "../store/channel";
import { useT } from "../store/language";
import { useTitle } from "../ui/title";
import { Resting } from "./resting";

/** A connection of its own, for those who asked for it. */
const EffectsAlone = lazy(async () => ({ default: (await import("../overlay/alone")).EffectsAlone }));

/**
 * `/embed/{channel}`: the picture alone, muted, in somebody else's page; `?token=` opens a private channel, `?effects=1`
 * draws the crowd's effects over it.
 */
export function Embed({ slug }: { slug: string }) {
  const t = useT();
  const [token] = useState(() => tokenOf(location.search));
  const [effects] = useState(() => new URLSearchParams(location.search).get("effects") === "1");
  const [layer, setLayer] = useState<HTMLElement | null>(null);
  const { value: channel, error } = useChannel(slug, token);
  const dvr = channel?.dvr_window_s ?? 0;
  const name = channel?.slug ?? slug;
  const source = useMemo(() => sourceOf(name, dvr, token), [name, dvr, token]);
  useTitle(channel?.title ?? "");
  if (!channel) {
    return <main className="dusk grid h-dvh place-items-center p-4 text-center text-white">{error ? <h1 className="font-bold">{t("notfound.title")}</h1> : null}</main>;
  }
  return (
    <main className="h-dvh bg-black">
      <h1 className="sr-only">{channel.title || channel.name}</h1>
      <Player
        muted
        source={source}
        name={channel.name}
        state={channel.live.state}
        beganAt={channel.live.began_at}
        viewers={channel.live.viewers}
        theatre={null}
        layer={<div ref={setLayer} className="absolute inset-0" />}
        offline={<Resting channel={channel} ended={false} />}
        corner={
          <a href={channel.urls.watch} target="_blank" rel="noopener" className="on-picture inline-flex min-h-11 items-center gap-1.5 md:min-h-7">
            {t("watch.open", { site: t("site.name") })}
            <ExternalLink size={14} aria-hidden />
          </a>
        }
        className={EMBED_PICTURE}
      />
      {effects && channel.live.state !== "offline" && (
        <Suspense fallback={null}>
          <EffectsAlone channel={channel.id} token={token} layer={layer} />
        </Suspense>
      )}
    </main>
  );
}
