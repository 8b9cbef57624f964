import { Activity, KeySquare, MailPlus, MessagesSquare, Radio, ScrollText, Tv, Users } from "lucide-react";
import type { ReactNode } from "react";
import { Redirect, useLocation } from "wouter";
import { useT } from "../store/language";
import { useMe } from "../store/me";
import { ButtonLink } from "../ui/button";
import { Rooms } from "../ui/rooms";
import { Shell } from "../ui/shell";
import { Loading, Notice } from "../ui/states";
import { useTitle } from "../ui/title";
import { AuditRoom } from "./audit";
import { ChannelsRoom } from "./channels";
import { InvitationsRoom } from "./invitations";
import { OverviewRoom } from "./overview";
import { RealtimeRoom } from "./realtime";
import { StreamsRoom } from "./streams";
import { TokensRoom } from "./tokens";
import { UsersRoom } from "./users";

const icon = { size: 18, "aria-hidden": true } as const;

/** `/admin/*`: the whole site. */
export function Admin() {
  const t = useT();
  const { me } = useMe();
  const [path] = useLocation();
  useTitle(t("admin.title"));
  if (me === null) return <Redirect to={`/login?next=${encodeURIComponent(path)}`} replace />;
  if (me === undefined || me.account.role !== "admin") {
    return <Shell>{me === undefined ? <Loading /> : <Notice page title={t("admin.only")} action={<ButtonLink href="/">{t("notfound.home")}</ButtonLink>} />}</Shell>;
  }
  const rooms = [
    { href: "/admin", label: t("admin.overview"), icon: <Activity {...icon} /> },
    { href: "/admin/streams", label: t("admin.streams"), icon: <Radio {...icon} /> },
    { href: "/admin/realtime", label: t("admin.realtime"), icon: <MessagesSquare {...icon} /> },
    { href: "/admin/channels", label: t("admin.channels"), icon: <Tv {...icon} /> },
    { href: "/admin/users", label: t("admin.users"), icon: <Users {...icon} /> },
    { href: "/admin/invitations", label: t("admin.invitations"), icon: <MailPlus {...icon} /> },
    { href: "/admin/tokens", label: t("admin.tokens"), icon: <KeySquare {...icon} /> },
    { href: "/admin/log", label: t("admin.log"), icon: <ScrollText {...icon} /> },
  ];
  const pages: Record<string, ReactNode> = {
    "/admin": <OverviewRoom />,
    "/admin/streams": <StreamsRoom />,
    "/admin/realtime": <RealtimeRoom />,
    "/admin/channels": <ChannelsRoom />,
    "/admin/users": <UsersRoom me={me} />,
    "/admin/invitations": <InvitationsRoom />,
    "/admin/tokens": <TokensRoom />,
    "/admin/log": <AuditRoom />,
  };
  return (
    <Shell flush>
      <Rooms label={t("admin.nav")} rooms={rooms}>
        {pages[path] ?? (
          <Notice page title={t("notfound.title")} action={<ButtonLink href="/admin">{t("admin.overview")}</ButtonLink>}>
            {t("notfound.text")}
          </Notice>
        )}
      </Rooms>
    </Shell>
  );
}
