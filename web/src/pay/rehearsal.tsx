import { useState } from "react";
import { api } from "../api/client";
import type { components } from "../api/schema";
import { useLanguage } from "../store/language";
import { useResource } from "../store/resource";
import { Button, ButtonLink } from "../ui/button";
import { Loading, Notice, sayError } from "../ui/states";
import { useTitle } from "../ui/title";

type Rehearsed = components["schemas"]["RehearsedPayment"];
type Outcome = components["schemas"]["RehearsalOutcome"]["outcome"];

/** `/pay/rehearsal/{payment}`: a provider's page as one meets it elsewhere, without its money. */
export function RehearsalPage({ payment }: { payment: string }) {
  const { t } = useLanguage();
  useTitle(t("rehearsal.title"));
  const found = useResource<Rehearsed>(payment, () => api.get(`/pay/rehearsal/${payment}`));
  const [fault, setFault] = useState("");
  const choose = async (outcome: Outcome) => {
    try {
      const chosen = await api.post<Rehearsed>(`/pay/rehearsal/${payment}`, { outcome });
      location.assign(`/pay/${chosen.order}?back=${outcome === "paid" ? 1 : 0}`);
    } catch (error) {
      setFault(sayError(t, error));
    }
  };
  if (found.error)
    return (
      <Notice page title={t("rehearsal.gone")} action={<ButtonLink href="/">{t("nav.home")}</ButtonLink>}>
        {null}
      </Notice>
    );
  if (!found.value) return <Loading />;
  return (
    <main className="grid min-h-dvh place-items-center bg-raised p-4">
      <section className="flex w-full max-w-[360px] flex-col gap-3 rounded-l bg-surface p-6">
        <h1 className="text-l font-bold">{t("rehearsal.title")}</h1>
        <p className="text-s text-ink-2">{t("rehearsal.text")}</p>
        <p className="py-3 text-center text-[1.75rem] font-bold tabular-nums">{found.value.written}</p>
        <Button look="primary" onClick={() => void choose("paid")}>
          {t("rehearsal.paid", { amount: found.value.written })}
        </Button>
        <Button onClick={() => void choose("failed")}>{t("rehearsal.failed")}</Button>
        <Button look="quiet" onClick={() => void choose("expired")}>
          {t("rehearsal.expired")}
        </Button>
        {fault && (
          <p role="alert" className="text-s text-live">
            {fault}
          </p>
        )}
      </section>
    </main>
  );
}
