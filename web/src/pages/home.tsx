import { Sprout, TvMinimal } from "lucide-react";
import { useEffect } from "react";
import { Link } from "wouter";
import { api } from "../api/client";
import type { Channel, Page } from "../api/types";
import { ago, liveFor } from "../i18n/moments";
import { liveAfter, useFeed } from "../store/channel";
import { useNow } from "../store/clock";
import { initial } from "../store/initial";
import { useFollow, useFollowChanges } from "../store/follow";
import { useT } from "../store/language";
import { useMe } from "../store/me";
import { useResource } from "../store/resource";
import { ButtonLink } from "../ui/button";
import { Avatar, Chip, LiveBadge } from "../ui/marks";
import { Poster } from "../ui/poster";
import { Shell } from "../ui/shell";
import { Failed, Loading, Notice } from "../ui/states";
import { useTitle } from "../ui/title";
import { FollowButton } from "./follow";

/** `/`: who is live now, with moving posters; who rests, below. */
export function Home() {
  useTitle("");
  const first = initial.channels ?? null;
  const channels = useResource<Channel[]>("home", async () => (await api.get<Page<Channel>>("/channels", { limit: 100 })).items, { first });
  const { value, put, reload } = channels;
  useFeed(
    null,
    (message) => {
      if (value) put(value.map((channel) => ({ ...channel, live: liveAfter(channel.id, channel.live, message) ?? channel.live })));
      if (message.type === "channel" || (message.type === "stream" && message.event !== "lost")) reload();
    },
    reload,
  );
  return <Shell>{value ? <Yard channels={value} /> : channels.error ? <Failed page error={channels.error} retry={reload} /> : <Loading rows={4} />}</Shell>;
}

function Yard({ channels }: { channels: Channel[] }) {
  const t = useT();
  const live = channels.filter((channel) => channel.live.state !== "offline").sort((a, b) => b.live.viewers - a.live.viewers);
  const resting = channels.filter((channel) => channel.live.state === "offline");
  const [first, ...others] = live;
  return (
    <>
      <h1 className="sr-only">{t("site.name")}</h1>
      {first ? <Hero channel={first} /> : <Quiet empty={channels.length === 0} />}
      {others.length > 0 && (
        <>
          <Heading count={live.length}>{t("home.title")}</Heading>
          <ul className="grid grid-cols-[repeat(auto-fill,minmax(min(100%,260px),1fr))] gap-x-4 gap-y-6">
            {others.map((channel) => (
              <li key={channel.id}>
                <Card channel={channel} />
              </li>
            ))}
          </ul>
        </>
      )}
      <Followed channels={channels} />
      {resting.length > 0 && (
        <>
          <Heading count={resting.length}>{t("home.offline")}</Heading>
          <ul className="grid grid-cols-[repeat(auto-fill,minmax(min(100%,280px),1fr))] gap-3">
            {resting.map((channel) => (
              <li key={channel.id}>
                <Rest channel={channel} />
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

function Heading({ children, count }: { children: string; count: number }) {
  return (
    <h2 className="mt-10 mb-4 flex items-baseline gap-2.5 text-l font-bold tracking-tight md:mt-12">
      {children}
      <span className="num text-s font-semibold text-ink-3">{count}</span>
    </h2>
  );
}

function Hero({ channel }: { channel: Channel }) {
  const t = useT();
  const now = useNow(10_000);
  const following = useFollow(channel.slug);
  const { live } = channel;
  const since = live.began_at ? liveFor(t, (now - Date.parse(live.began_at)) / 1000) : null;
  return (
    <section className="items-center gap-8 md:grid md:grid-cols-[1.7fr_1fr]">
      <Link href={`/@${channel.slug}`} aria-hidden tabIndex={-1} className="relative -mx-4 -mt-6 block aspect-video overflow-hidden md:m-0 md:rounded-l">
        <Poster slug={channel.slug} />
        <span className="absolute top-3 left-3 flex items-center gap-2">
          <LiveBadge />
          <span className="num on-picture">{t("viewers.count", { n: live.viewers })}</span>
        </span>
      </Link>
      <div className="pt-4 md:pt-0">
        {channel.category && <Chip>{channel.category}</Chip>}
        <h2 className="mt-3 mb-2.5 text-[1.375rem] leading-tight font-bold tracking-tight md:text-2xl">{channel.title || channel.name}</h2>
        <div className="flex items-center gap-2.5 text-ink-2">
          <Avatar name={channel.name} url={channel.owner?.avatar_url} />
          <span className="num">
            {channel.name}
            {since && ` · ${since}`}
          </span>
        </div>
        <div className="mt-5 flex flex-wrap items-center gap-2">
          <ButtonLink href={`/@${channel.slug}`} look="primary">
            {t("home.watch")}
          </ButtonLink>
          <FollowButton slug={channel.slug} following={following} quiet />
          {following.standing && <span className="num ml-1 text-s text-ink-2">{t("watch.followers", { n: following.standing.followers })}</span>}
        </div>
      </div>
    </section>
  );
}

type FollowedChannel = { id: string; slug: string; name: string; live: boolean };

/** What whoever is signed in follows: live ones first, as the list of channels has it now. */
function Followed({ channels }: { channels: Channel[] }) {
  const t = useT();
  const { me } = useMe();
  const account = me?.account.id ?? "";
  const follows = useResource<FollowedChannel[]>(`follows ${account}`, async () => (account ? (await api.get<Page<FollowedChannel>>("/me/follows", { limit: 24 })).items : []));
  const { reload } = follows;
  const changes = useFollowChanges();
  useEffect(() => {
    if (changes > 0) reload();
  }, [changes, reload]);
  if (!follows.value?.length) return null;
  const isLive = (one: FollowedChannel) => (channels.find(({ id }) => id === one.id)?.live.state ?? (one.live ? "live" : "offline")) !== "offline";
  const items = [...follows.value].sort((a, b) => Number(isLive(b)) - Number(isLive(a)));
  return (
    <>
      <Heading count={items.length}>{t("home.follows")}</Heading>
      <ul className="flex flex-wrap gap-3">
        {items.map((one) => (
          <li key={one.id} className="max-w-full">
            <Link href={`/@${one.slug}`} className="flex min-h-12 items-center gap-2.5 rounded-full bg-surface py-1.5 pr-4 pl-2 transition hover:bg-raised">
              <Avatar name={one.name} />
              <span className="truncate font-semibold">{one.name}</span>
              {isLive(one) && <LiveBadge />}
            </Link>
          </li>
        ))}
      </ul>
    </>
  );
}

function Card({ channel }: { channel: Channel }) {
  const t = useT();
  return (
    <Link href={`/@${channel.slug}`} className="group block rounded-m">
      <span className="relative block aspect-video overflow-hidden rounded-m">
        <Poster slug={channel.slug} className="transition group-hover:brightness-110" />
        <span className="absolute top-3 left-3">
          <LiveBadge />
        </span>
        <span className="num on-picture absolute right-3 bottom-3">{t("viewers.count", { n: channel.live.viewers })}</span>
      </span>
      <span className="mt-3 flex items-start gap-3">
        <Avatar name={channel.name} url={channel.owner?.avatar_url} />
        <span className="min-w-0">
          <span className="line-clamp-2 font-semibold">{channel.title || channel.name}</span>
          <span className="block truncate text-s text-ink-2">{channel.name}</span>
        </span>
      </span>
    </Link>
  );
}

function Rest({ channel }: { channel: Channel }) {
  const t = useT();
  const now = useNow(60_000);
  return (
    <Link href={`/@${channel.slug}`} className="flex min-h-16 items-center gap-3 rounded-m bg-surface p-3.5 transition hover:bg-raised">
      <Avatar name={channel.name} url={channel.owner?.avatar_url} size="m" />
      <span className="min-w-0">
        <span className="block truncate font-semibold">{channel.name}</span>
        <span className="block truncate text-s text-ink-2">{channel.last_live_at ? t("home.last", { when: ago(t, channel.last_live_at, now) }) : t("home.never")}</span>
      </span>
    </Link>
  );
}

/** Nobody is live; or nobody is here yet. */
function Quiet({ empty }: { empty: boolean }) {
  const t = useT();
  const { me } = useMe();
  if (empty && initial.site?.signed_up === false) {
    return (
      <Notice icon={<Sprout size={40} aria-hidden />} title={t("home.first")}>
        {t("home.first.text")}
      </Notice>
    );
  }
  if (empty && me) {
    return (
      <Notice
        icon={<Sprout size={40} aria-hidden />}
        title={t("home.empty")}
        action={
          <ButtonLink href="/studio" look="primary">
            {t("home.create")}
          </ButtonLink>
        }
      >
        {t("home.empty.text")}
      </Notice>
    );
  }
  return (
    <Notice icon={<TvMinimal size={40} aria-hidden />} title={t("home.quiet")}>
      {t("home.quiet.text")}
    </Notice>
  );
}
