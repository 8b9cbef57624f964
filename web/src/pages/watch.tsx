import { ChevronDown, Clock, PanelRightOpen, Radio, Share2 } from "lucide-react";
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { useLocation } from "wouter";
import { ApiError } from "../api/client";
import type { Channel } from "../api/types";
import { ago, liveFor } from "../i18n/moments";
import { sourceOf, tokenOf } from "../player/engine";
import { Player } from "../player/player";
import { Share } from "../player/share";
import { watchPlace } from "../player/stage";
import { useChannel } from "../store/channel";
import { useNow } from "../store/clock";
import { useFollow } from "../store/follow";
import { useT } from "../store/language";
import { prefer, usePreferences } from "../store/preferences";
import { Button, ButtonLink, IconButton } from "../ui/button";
import { classes } from "../ui/classes";
import { Avatar, Chip } from "../ui/marks";
import { Shell } from "../ui/shell";
import { Failed } from "../ui/states";
import { useTitle } from "../ui/title";
import { FollowButton } from "./follow";
import { Missing } from "./missing";
import { Resting } from "./resting";

/** The chat is fetched beside the picture, not before it. */
const ChatBeside = lazy(async () => ({ default: (await import("../chat/beside")).ChatBeside }));

/** `/@{channel}`: the picture, who shows it, and the chat; `?token=` opens a private channel. */
export function Watch({ slug }: { slug: string }) {
  const [token] = useState(() => tokenOf(location.search));
  const channel = useChannel(slug, token);
  const [, navigate] = useLocation();
  const found = channel.value;
  useEffect(() => {
    // A former slug: the address follows the new one.
    if (found && found.slug !== slug) navigate(`/@${found.slug}`, { replace: true });
  }, [found, slug, navigate]);
  if (channel.error instanceof ApiError && channel.error.status === 404) return <Missing />;
  if (found) return <WatchChannel key={found.id} channel={found} token={token} />;
  return (
    <Shell flush>
      {channel.error ? <Failed page error={channel.error} retry={channel.reload} /> : <div className="mx-auto aspect-video w-full max-w-[1320px] bg-surface md:mt-6 md:rounded-l" />}
    </Shell>
  );
}

function WatchChannel({ channel, token }: { channel: Channel; token: string }) {
  const t = useT();
  const { theatre = false, chat } = usePreferences();
  useTitle(channel.title || channel.name);
  const source = useMemo(() => sourceOf(channel.slug, channel.dvr_window_s, token), [channel.slug, channel.dvr_window_s, token]);
  const everLive = useEverLive(channel);
  const following = useFollow(channel.slug);
  const [layer, setLayer] = useState<HTMLElement | null>(null);
  const folded = chat === "hidden";
  const place = watchPlace(theatre, folded);
  return (
    <Shell flush>
      <div className={place.columns}>
        <div className={place.column}>
          <div className={place.frame}>
            <Player
              source={source}
              name={channel.name}
              state={channel.live.state}
              beganAt={channel.live.began_at}
              viewers={channel.live.viewers}
              theatre={theatre}
              onTheatre={() => prefer({ theatre: theatre ? undefined : true })}
              offline={<Resting channel={channel} ended={everLive} />}
              layer={<div ref={setLayer} className="absolute inset-0" />}
              className={place.picture}
            />
          </div>
          <About channel={channel} following={following} />
        </div>
        {folded && (
          <div className="flex justify-center border-l border-line bg-surface pt-2.5 max-lg:hidden">
            <IconButton label={t("chat.show")} onClick={() => prefer({ chat: undefined })}>
              <PanelRightOpen size={18} aria-hidden />
            </IconButton>
          </div>
        )}
        <aside aria-label={t("chat.title")} className={classes("flex min-h-80 flex-1 flex-col border-line bg-surface max-lg:border-t lg:min-h-0 lg:border-l", folded && "lg:hidden")}>
          <Suspense fallback={null}>
            <ChatBeside channel={channel} layer={layer} onFollow={following.signedIn ? () => void following.follow(true).catch(() => undefined) : null} />
          </Suspense>
        </aside>
      </div>
    </Shell>
  );
}

/** Whether the channel was live since this page was opened. */
function useEverLive(channel: Channel): boolean {
  const [ever, setEver] = useState(false);
  const live = channel.live.state !== "offline";
  if (live && !ever) setEver(true);
  return ever;
}

function About({ channel, following }: { channel: Channel; following: ReturnType<typeof useFollow> }) {
  const t = useT();
  const now = useNow(10_000);
  const [sharing, setSharing] = useState(false);
  const [open, setOpen] = useState(false);
  const more = open ? "" : "max-lg:hidden";
  const { live, my_role: role } = channel;
  const mine = role === "owner" || role === "broadcaster" || role === "manager";
  return (
    <section className="mx-auto max-w-[max(720px,min(1320px,calc((100dvh-210px)*16/9)))] px-4 py-3 lg:px-5 lg:py-4">
      <div className="flex flex-wrap items-start gap-3">
        <div className="min-w-0 flex-[1_1_240px]">
          <h1 className="text-l font-bold tracking-tight md:text-xl">{channel.title || channel.name}</h1>
          <div className="mt-2.5 flex flex-wrap gap-2">
            {channel.category && <Chip>{channel.category}</Chip>}
            {channel.visibility !== "public" && <Chip>{t(`watch.${channel.visibility}`)}</Chip>}
            {live.began_at && (
              <Chip>
                <Clock size={14} aria-hidden />
                {liveFor(t, (now - Date.parse(live.began_at)) / 1000)}
              </Chip>
            )}
            {!live.began_at && channel.last_live_at && <Chip>{t("watch.last", { when: ago(t, channel.last_live_at, now) })}</Chip>}
          </div>
        </div>
        <IconButton label={t("watch.about")} aria-expanded={open} onClick={() => setOpen(!open)} className="-mt-1.5 -mr-2 lg:hidden">
          <ChevronDown size={20} className={classes("transition-transform", open && "rotate-180")} aria-hidden />
        </IconButton>
        <div className={classes("flex flex-wrap gap-2", more)}>
          {mine && (
            <ButtonLink href={`/studio/live?channel=${channel.slug}`} icon={<Radio size={17} aria-hidden />}>
              {t("watch.studio")}
            </ButtonLink>
          )}
          <Button icon={<Share2 size={17} aria-hidden />} onClick={() => setSharing(true)}>
            {t("watch.share")}
          </Button>
        </div>
      </div>
      <div className={classes("mt-5 flex items-center gap-3", more)}>
        <Avatar name={channel.name} url={channel.owner?.avatar_url} size="m" />
        <div className="min-w-0 flex-1">
          <div className="truncate font-semibold">{channel.name}</div>
          <div className="num text-s text-ink-2">
            {following.standing && t("watch.followers", { n: following.standing.followers })}
            {following.standing && live.state !== "offline" && " · "}
            {live.state !== "offline" && t("viewers.watching", { n: live.viewers })}
          </div>
        </div>
        <FollowButton slug={channel.slug} following={following} />
      </div>
      {channel.description && <p className={classes(more, "mt-4 max-w-[68ch] whitespace-pre-line text-ink-2")}>{channel.description}</p>}
      <Share
        open={sharing}
        onClose={() => setSharing(false)}
        name={channel.name}
        title={channel.title}
        watch={channel.urls.watch}
        embed={channel.urls.embed}
        qr={`/api/v1/channels/${channel.slug}/qr.svg`}
      />
    </section>
  );
}
