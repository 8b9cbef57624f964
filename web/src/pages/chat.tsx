import { useState } from "react";
import { ApiError } from "../api/client";
import { Chat } from "../chat/panel";
import { useServerRoom } from "../chat/use";
import { useChannel } from "../store/channel";
import { useFollow } from "../store/follow";
import { useT } from "../store/language";
import { useTitle } from "../ui/title";
import { Missing } from "./missing";

/** `/popout/{channel}/chat`: the chat in a window of its own, for the same people. */
export function PopoutChat({ slug }: { slug: string }) {
  const t = useT();
  const { value: channel, error } = useChannel(slug);
  const { signedIn, follow } = useFollow(slug);
  const store = useServerRoom(channel?.id ?? "");
  useTitle(channel ? t("chat.of", { name: channel.name }) : "");
  if (error instanceof ApiError && error.status === 404) return <Missing />;
  return (
    <main className="flex h-dvh flex-col bg-surface">
      <h1 className="sr-only">{channel ? t("chat.of", { name: channel.name }) : t("chat.title")}</h1>
      {channel && <Chat store={store} name={channel.name} slug={channel.slug} onHide={null} popout={false} alone onFollow={signedIn ? () => void follow(true).catch(() => undefined) : null} />}
    </main>
  );
}

/** `/embed/{channel}/chat`: the chat in somebody else's page, for guests; it knows no session. */
export function EmbedChat({ slug }: { slug: string }) {
  const t = useT();
  const [token] = useState(() => new URLSearchParams(location.search).get("token") ?? "");
  const { value: channel, error } = useChannel(slug, token);
  const store = useServerRoom(channel?.id ?? "", { token, guest: true });
  useTitle(channel ? t("chat.of", { name: channel.name }) : "");
  return (
    <main className="flex h-dvh flex-col bg-surface">
      <h1 className="sr-only">{channel ? t("chat.of", { name: channel.name }) : t("chat.title")}</h1>
      {channel && <Chat store={store} name={channel.name} slug={channel.slug} onHide={null} popout={false} alone onFollow={null} />}
      {error !== null && !channel && <p className="grid flex-1 place-items-center font-bold">{t("notfound.title")}</p>}
    </main>
  );
}
