import { Plus } from "lucide-react";
import { Link } from "wouter";
import type { Channel } from "../api/types";
import { ago } from "../i18n/moments";
import { useNow } from "../store/clock";
import { useT } from "../store/language";
import { useListing } from "../store/pages";
import { ButtonLink } from "../ui/button";
import { ListOf } from "../ui/listing";
import { Avatar, Chip, LiveBadge } from "../ui/marks";
import { PageHead, Row } from "../ui/section";
import { Notice } from "../ui/states";

/** Every channel of the site, with the way into its studio. */
export function ChannelsRoom() {
  const t = useT();
  const now = useNow(30_000);
  const channels = useListing<Channel>("/channels", { show: "all" }, { everyMs: 10_000 });
  const row = (channel: Channel) => (
    <Row
      key={channel.id}
      lead={<Avatar name={channel.name} url={channel.owner?.avatar_url} size="m" />}
      title={
        <>
          <Link href={`/@${channel.slug}`} className="inline-flex min-h-11 min-w-11 items-center hover:underline md:min-h-0 md:min-w-0">
            {channel.name}
          </Link>
          {channel.live.state !== "offline" && <LiveBadge />}
          {channel.visibility !== "public" && <Chip>{t(`watch.${channel.visibility}`)}</Chip>}
        </>
      }
      note={`@${channel.slug} · ${channel.owner ? channel.owner.display_name || channel.owner.name : "–"} · ${
        channel.live.state !== "offline" ? t("viewers.count", { n: channel.live.viewers }) : channel.last_live_at ? t("home.last", { when: ago(t, channel.last_live_at, now) }) : t("home.never")
      }`}
    >
      <ButtonLink href={`/studio/live?channel=${channel.slug}`}>{t("channels.open")}</ButtonLink>
    </Row>
  );
  return (
    <div className="max-w-[820px]">
      <PageHead title={t("admin.channels")}>
        <ButtonLink href="/studio/new" look="primary" icon={<Plus size={18} aria-hidden />}>
          {t("studio.new")}
        </ButtonLink>
      </PageHead>
      <ListOf list={channels} row={row} empty={<Notice title={t("channels.empty")} />} />
    </div>
  );
}
