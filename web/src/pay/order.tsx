import { CircleCheck, CircleX, Clock } from "lucide-react";
import { useCallback, useEffect, useRef, useState, type ReactNode } from "react";
import { api } from "../api/client";
import type { components } from "../api/schema";
import type { Key } from "../i18n";
import { dateTime } from "../i18n/moments";
import { useLanguage } from "../store/language";
import { useResource } from "../store/resource";
import { Button, ButtonLink } from "../ui/button";
import { Shell } from "../ui/shell";
import { Loading, Notice, sayError } from "../ui/states";
import { useTitle } from "../ui/title";
import type { PaidOrder } from "./amounts";
import { sayProvider } from "./dialog";
import { openWindow } from "./window";

type PayWindow = components["schemas"]["PayWindow"];
const WAITS = new Set(["created", "failed"]);

/** `/pay/{order}`: pay it, come back to it, keep it as the receipt. The one page that may load a provider's script. */
export function PayPage({ order }: { order: string }) {
  const { t } = useLanguage();
  useTitle(t("pay.title"));
  const found = useResource<PaidOrder>(order, () => api.get(`/pay/${order}`));
  return (
    <Shell>
      <div className="mx-auto w-full max-w-[440px]">
        {found.value ? (
          <Order order={found.value} put={found.put} />
        ) : found.error ? (
          <Notice page title={t("pay.gone")} action={<ButtonLink href="/">{t("nav.home")}</ButtonLink>}>
            {t("pay.gone.text")}
          </Notice>
        ) : (
          <Loading />
        )}
      </div>
    </Shell>
  );
}

function Order({ order, put }: { order: PaidOrder; put: (order: PaidOrder) => void }) {
  const { t } = useLanguage();
  const [busy, setBusy] = useState<"" | "opening" | "checking">("");
  const [fault, setFault] = useState("");
  const asked = useRef(false);

  const confirm = useCallback(
    async (query: Record<string, string>) => {
      setBusy("checking");
      try {
        put(await api.post<PaidOrder>(`/pay/${order.id}/confirm`, { query }));
      } catch (error) {
        setFault(sayError(t, error));
      } finally {
        setBusy("");
      }
    },
    [order.id, put, t],
  );
  useEffect(() => {
    const query = Object.fromEntries(new URLSearchParams(location.search));
    if (asked.current || !("back" in query)) return;
    asked.current = true;
    history.replaceState(null, "", location.pathname);
    void confirm(query);
  }, [confirm]);

  const pay = async () => {
    setBusy("opening");
    setFault("");
    try {
      await openWindow(await api.post<PayWindow>(`/pay/${order.id}/window`, {}));
    } catch (error) {
      setFault(sayError(t, error));
      setBusy("");
    }
  };

  const home = order.channel ? `/@${order.channel}` : "/";
  return (
    <div className="flex flex-col gap-5 py-6">
      <State order={order} busy={busy} />
      <section className="overflow-hidden rounded-l bg-surface">
        <div className="h-1.5" style={{ background: order.color }} />
        <div className="flex flex-col gap-2 p-5">
          <p className="text-s text-ink-2">{t("pay.to", { name: order.channel_name })}</p>
          <p className="text-[1.75rem] leading-tight font-bold tabular-nums">{order.written}</p>
          {order.text && <p className="text-m break-words">{order.text}</p>}
          {order.test && <p className="text-s text-warn">{t("pay.test")}</p>}
        </div>
      </section>
      {fault && (
        <p role="alert" className="text-s text-live">
          {fault}
        </p>
      )}
      {WAITS.has(order.state) && (
        <Button look="primary" disabled={busy !== ""} onClick={() => void pay()}>
          {t(busy === "opening" ? "pay.opening" : order.state === "failed" ? "pay.again" : "pay.pay", { amount: order.written })}
        </Button>
      )}
      {order.paid_at !== null && <Receipt order={order} />}
      <ButtonLink href={home} look="quiet">
        {t("pay.back")}
      </ButtonLink>
    </div>
  );
}

const good = new Set(["paid", "shown", "held"]);
const bad = new Set(["failed", "expired"]);

function State({ order, busy }: { order: PaidOrder; busy: string }) {
  const { t } = useLanguage();
  const icon = good.has(order.state) ? <CircleCheck size={28} className="text-good" aria-hidden /> : bad.has(order.state) ? <CircleX size={28} className="text-live" aria-hidden /> : <Clock size={28} className="text-ink-2" aria-hidden />;
  const text = order.state === "failed" ? t("pay.failed.text") : order.state === "expired" ? t("pay.expired.text") : "";
  return (
    <div className="flex items-start gap-3" role="status">
      {icon}
      <div>
        <h1 className="text-l font-bold">{busy === "checking" ? t("pay.checking") : t(`pay.state.${order.state}` as Key)}</h1>
        {text && <p className="mt-1 text-s text-ink-2">{text}</p>}
      </div>
    </div>
  );
}

function Receipt({ order }: { order: PaidOrder }) {
  const { t, language } = useLanguage();
  return (
    <section aria-label={t("pay.receipt")} className="flex flex-col gap-2 text-s">
      <h2 className="text-m font-semibold">{t("pay.receipt")}</h2>
      <Line name={t("pay.amount")}>{order.written}</Line>
      <Line name={t("pay.when")}>{dateTime(language, new Date(order.paid_at ?? 0).toISOString())}</Line>
      <Line name={t("pay.provider")}>{sayProvider(t, order.provider)}</Line>
      <Line name={t("pay.order")}>
        <code className="break-all">{order.id}</code>
      </Line>
    </section>
  );
}

function Line({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex justify-between gap-4">
      <span className="text-ink-2">{name}</span>
      <span className="text-right tabular-nums">{children}</span>
    </div>
  );
}
