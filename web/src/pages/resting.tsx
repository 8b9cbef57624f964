import type { Channel } from "../api/types";
import { ago } from "../i18n/moments";
import { useNow } from "../store/clock";
import { useT } from "../store/language";
import { Avatar } from "../ui/marks";

/** In the picture's place while nobody is live: whose yard it is, and that waiting is enough. */
export function Resting({ channel, ended }: { channel: Channel; ended: boolean }) {
  const t = useT();
  const now = useNow(30_000);
  return (
    <div className="flex max-w-[52ch] flex-col items-center px-5 text-center" role="status">
      <div className="mb-4 max-sm:hidden">
        <Avatar name={channel.name} url={channel.owner?.avatar_url} size="l" />
      </div>
      <p className="text-l font-bold text-white md:text-xl">{ended ? t("watch.ended") : t("watch.offline")}</p>
      <p className="mt-2 text-m text-balance text-white/85">{t(ended ? "watch.ended.text" : "watch.offline.text")}</p>
      {!ended && channel.last_live_at && <p className="mt-3 text-s text-white/75">{t("watch.last", { when: ago(t, channel.last_live_at, now) })}</p>}
    </div>
  );
}
