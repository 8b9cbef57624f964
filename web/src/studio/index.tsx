import { Camera, CircleDollarSign, KeyRound, Plus, Radio, Settings2, ShieldCheck, Sparkles, Users } from "lucide-react";
import type { ReactNode } from "react";
import { Redirect, useLocation, useSearchParams } from "wouter";
import type { Me, OwnChannel } from "../api/types";
import { ModerationRoom } from "../moderation";
import { StageRoom } from "../overlay/room";
import { MoneyRoom } from "../pay/room";
import { useT } from "../store/language";
import { useMe } from "../store/me";
import { ButtonLink } from "../ui/button";
import { SmallSelect } from "../ui/form";
import { Rooms } from "../ui/rooms";
import { Shell } from "../ui/shell";
import { Loading, Notice } from "../ui/states";
import { useTitle } from "../ui/title";
import { CameraRoom } from "./camera";
import { ChannelRoom } from "./channel";
import { Create } from "./create";
import { KeysRoom } from "./keys";
import { LiveRoom } from "./live";
import { PeopleRoom } from "./people";

const icon = { size: 18, "aria-hidden": true } as const;
const staff = new Set(["owner", "broadcaster", "manager"]);

/** `/studio/*`: everything about a channel of one's own. */
export function Studio() {
  const t = useT();
  const { me } = useMe();
  const [path] = useLocation();
  const [search] = useSearchParams();
  useTitle(t("studio.nav"));
  if (me === undefined) {
    return (
      <Shell>
        <Loading />
      </Shell>
    );
  }
  const asked = search.get("channel");
  if (me === null) return <Redirect to={`/login?next=${encodeURIComponent(path + (asked ? `?channel=${asked}` : ""))}`} replace />;
  return (
    <Shell flush>
      <StudioOf me={me} asked={asked} path={path} />
    </Shell>
  );
}

function StudioOf({ me, asked, path }: { me: Me; asked: string | null; path: string }) {
  const t = useT();
  const [, navigate] = useLocation();
  const own = me.channels.filter((channel) => staff.has(channel.role));
  const admin = me.account.role === "admin";
  if (path === "/studio/new" || (own.length === 0 && asked === null)) return <Create />;
  const slug = asked ?? own[0]?.slug ?? "";
  if (path === "/studio" || path === "/studio/") return <Redirect to={`/studio/live?channel=${slug}`} replace />;
  const rooms = [
    { href: "/studio/live", label: t("studio.live"), icon: <Radio {...icon} /> },
    { href: "/studio/camera", label: t("studio.camera"), icon: <Camera {...icon} /> },
    { href: "/studio/moderation", label: t("studio.moderation"), icon: <ShieldCheck {...icon} /> },
    { href: "/studio/money", label: t("studio.money"), icon: <CircleDollarSign {...icon} /> },
    { href: "/studio/stage", label: t("studio.stage"), icon: <Sparkles {...icon} /> },
    { href: "/studio/keys", label: t("studio.keys"), icon: <KeyRound {...icon} /> },
    { href: "/studio/channel", label: t("studio.channel"), icon: <Settings2 {...icon} /> },
    { href: "/studio/people", label: t("studio.people"), icon: <Users {...icon} /> },
  ];
  const others: OwnChannel[] = own.some((channel) => channel.slug === slug) ? own : [...own, { id: slug, slug, name: `@${slug}`, role: "owner" }];
  const head = (
    <div className="flex items-center gap-2 md:flex-col md:items-stretch">
      {(others.length > 1 || admin) && (
        <div className="flex min-w-0 flex-1 items-center gap-1.5">
          <span className="min-w-0 flex-1">
            <SmallSelect label={t("studio.pick")} value={slug} options={others.map((channel) => [channel.slug, channel.name])} onPick={(next) => navigate(`${path}?channel=${next}`)} />
          </span>
          <ButtonLink href="/studio/new" look="quiet" className="px-0! max-md:w-11 md:w-9">
            <Plus size={20} aria-hidden />
            <span className="sr-only">{t("studio.new")}</span>
          </ButtonLink>
        </div>
      )}
    </div>
  );
  const pages: Record<string, ReactNode> = {
    "/studio/live": <LiveRoom key={slug} slug={slug} />,
    "/studio/camera": <CameraRoom key={slug} slug={slug} />,
    "/studio/moderation": <ModerationRoom key={slug} slug={slug} />,
    "/studio/money": <MoneyRoom key={slug} slug={slug} />,
    "/studio/stage": <StageRoom key={slug} slug={slug} />,
    "/studio/keys": <KeysRoom key={slug} slug={slug} />,
    "/studio/channel": <ChannelRoom key={slug} slug={slug} />,
    "/studio/people": <PeopleRoom key={slug} slug={slug} />,
  };
  return (
    <Rooms label={t("studio.nav")} rooms={rooms} head={head} query={`?channel=${slug}`}>
      {pages[path] ?? (
        <Notice page title={t("notfound.title")} action={<ButtonLink href={`/studio/live?channel=${slug}`}>{t("studio.live")}</ButtonLink>}>
          {t("notfound.text")}
        </Notice>
      )}
    </Rooms>
  );
}
