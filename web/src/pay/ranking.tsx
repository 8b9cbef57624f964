import { useState } from "react";
import { api } from "../api/client";
import type { components } from "../api/schema";
import { money } from "../i18n/money";
import { useLanguage } from "../store/language";
import { useResource } from "../store/resource";
import { SmallSelect } from "../ui/form";
import { Avatar } from "../ui/marks";
import { Failed, Loading } from "../ui/states";

type Rank = components["schemas"]["Rank"];
const PERIODS = ["7", "30", "365", "0"] as const;

/** Who gave most to a channel, by period; `most` cuts the list. */
export function Ranking({ channel, most = 50 }: { channel: string; most?: number }) {
  const { t, language } = useLanguage();
  const [days, setDays] = useState<string>("7");
  const path = `/channels/${encodeURIComponent(channel)}/superchat/ranking`;
  const found = useResource(`${path}?${days}`, async () => (await api.get<{ items: Rank[] }>(path, { days })).items);
  return (
    <>
      <div className="mb-3 max-w-56">
        <SmallSelect label={t("money.ranking.days")} value={days} options={PERIODS.map((each) => [each, t(`money.ranking.d${each}`)])} onPick={setDays} />
      </div>
      {found.value === null ? (
        found.error ? (
          <Failed error={found.error} retry={found.reload} />
        ) : (
          <Loading />
        )
      ) : found.value.length === 0 ? (
        <p className="text-m text-ink-2">{t("money.ranking.empty")}</p>
      ) : (
        <ol className="flex flex-col">
          {found.value.slice(0, most).map((rank, index) => (
            <li key={`${rank.user} ${rank.currency}`} className="flex min-h-11 items-center gap-3 border-t border-line py-1.5 first:border-t-0">
              <span className="num w-6 shrink-0 text-right text-s text-ink-2">{index + 1}</span>
              <Avatar name={rank.name} />
              <span className="min-w-0 flex-1 truncate">{rank.name}</span>
              <span className="num font-bold text-money">{money(language, rank.amount, rank.currency)}</span>
            </li>
          ))}
        </ol>
      )}
    </>
  );
}
