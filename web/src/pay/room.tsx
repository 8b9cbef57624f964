import { Download } from "lucide-react";
import { api } from "../api/client";
import type { Channel } from "../api/types";
import { useLanguage, useT } from "../store/language";
import { useResource } from "../store/resource";
import { PageHead, Section } from "../ui/section";
import { Failed, Loading } from "../ui/states";
import type { Currency, Offer } from "./amounts";
import { GoalForm } from "./goal";
import { Orders } from "./orders";
import { Ranking } from "./ranking";

/** `/studio/money`: what was paid in a channel, what waits, its goal and who gave most. */
export function MoneyRoom({ slug }: { slug: string }) {
  const t = useT();
  const channel = useResource<Channel>(slug, () => api.get(`/channels/${encodeURIComponent(slug)}`));
  const found = channel.value;
  if (!found) return channel.error ? <Failed page error={channel.error} retry={channel.reload} /> : <Loading />;
  const owner = found.my_role === "owner";
  return (
    <div className="max-w-[860px]">
      <PageHead title={t("money.title")} text={t("money.text")}>
        {owner && (
          <a href={`/api/v1/channels/${found.slug}/superchat/ledger.csv`} download className="inline-flex h-11 shrink-0 items-center gap-2 rounded-full bg-raised px-4 text-m font-semibold whitespace-nowrap transition hover:brightness-110 md:h-9">
            <Download size={16} aria-hidden />
            {t("money.ledger")}
          </a>
        )}
      </PageHead>
      <Collecting slug={found.slug} />
      <Section title={t("money.orders")}>
        <Orders slug={found.slug} owner={owner} />
      </Section>
      <Section title={t("money.ranking")}>
        <div className="max-w-[560px]">
          <Ranking channel={found.slug} />
        </div>
      </Section>
    </div>
  );
}

/** Whether money is taken at all, and what for. */
function Collecting({ slug }: { slug: string }) {
  const { t, language } = useLanguage();
  const offer = useResource<Offer>(slug, () => api.get(`/channels/${encodeURIComponent(slug)}/superchat`));
  const found = offer.value;
  if (!found) return offer.error ? <Failed error={offer.error} retry={offer.reload} /> : <Loading rows={1} />;
  const usual: Currency = language === "ko" ? "KRW" : "USD";
  return (
    <>
      {!found.enabled && (
        <p role="status" className="mb-8 rounded-m bg-warn-soft px-4 py-3 text-m">
          {t(found.providers.length === 0 ? "money.off.server" : "money.off.room")}
        </p>
      )}
      <Section title={t("money.goal")}>
        <p className="-mt-1.5 mb-3 text-m text-ink-2">{t("money.goal.text")}</p>
        <GoalForm slug={slug} goal={found.goal} currency={usual} onSet={(goal) => offer.put({ ...found, goal })} />
      </Section>
    </>
  );
}
