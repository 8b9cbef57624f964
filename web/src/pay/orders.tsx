import { Check, Undo2, X } from "lucide-react";
import { useState, type CSSProperties } from "react";
import { api } from "../api/client";
import type { Key } from "../i18n";
import { dateTime } from "../i18n/moments";
import { money } from "../i18n/money";
import { useLanguage, useT } from "../store/language";
import { useListing } from "../store/pages";
import { useSubmit } from "../store/submit";
import { Button } from "../ui/button";
import { Confirm } from "../ui/confirm";
import { FormError, SmallSelect, TextField } from "../ui/form";
import { ListOf } from "../ui/listing";
import { Chip } from "../ui/marks";
import { Notice, sayError } from "../ui/states";
import { sayProvider } from "./dialog";
import { deedsOf, STATES, toneOf, type ManagedOrder } from "./states";

const LOOK_MS = 10_000;

/** The orders of a channel, the newest first, with what may be done about each. */
export function Orders({ slug, owner }: { slug: string; owner: boolean }) {
  const t = useT();
  const base = `/channels/${encodeURIComponent(slug)}/superchat/orders`;
  const [state, setState] = useState("");
  const [deep, setDeep] = useState(false);
  // Whoever reads further back is not brought to the head again by what is new there.
  const list = useListing<ManagedOrder>(base, state ? { state } : {}, deep ? {} : { everyMs: LOOK_MS });
  const { more } = list;
  const shown = {
    ...list,
    more:
      more &&
      (() => {
        setDeep(true);
        more();
      }),
  };
  return (
    <>
      <div className="mb-3 max-w-56">
        <SmallSelect
          label={t("money.orders.which")}
          value={state}
          options={[["", t("money.all")], ...STATES.map((each) => [each, t(`money.state.${each}`)] as const)]}
          onPick={(next) => {
            setDeep(false);
            setState(next);
          }}
        />
      </div>
      <ListOf
        list={shown}
        empty={<Notice title={t("money.orders.empty")}>{t("money.orders.empty.text")}</Notice>}
        row={(order) => <OrderRow key={order.id} order={order} base={base} owner={owner} onDone={list.reload} />}
      />
    </>
  );
}

type RowProps = { order: ManagedOrder; base: string; owner: boolean; onDone: () => void };

function OrderRow({ order, base, owner, onDone }: RowProps) {
  const { t, language } = useLanguage();
  const amount = money(language, order.amount, order.currency);
  const name = order.anonymous ? t("money.hidden", { name: order.name }) : order.name;
  return (
    <li className="overflow-hidden rounded-m bg-surface" style={{ "--tier": order.color } as CSSProperties}>
      <div className="border-l-4 border-(--tier) px-4 py-3">
        <div className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
          <b className="min-w-0 truncate font-semibold">{name}</b>
          <span className="num font-bold text-money">{amount}</span>
          <Chip tone={toneOf(order.state)}>{t(`money.state.${order.state}` as Key)}</Chip>
          {order.refunded > 0 && order.refunded < order.amount && <Chip>{t("money.partly", { amount: money(language, order.refunded, order.currency) })}</Chip>}
          {order.test && <Chip>{t("money.test")}</Chip>}
        </div>
        {order.text && <p className="mt-1.5 break-words">{order.text}</p>}
        <p className="num mt-1 text-s text-ink-2">
          {dateTime(language, new Date(order.paid_at ?? order.created_at).toISOString())} · {sayProvider(t, order.provider)}
        </p>
        {order.reason && <p className="mt-0.5 text-s text-ink-3">{t("money.reason.is", { reason: sayReason(t, order.reason) })}</p>}
        <Deeds order={order} name={name} amount={amount} base={base} owner={owner} onDone={onDone} />
      </div>
    </li>
  );
}

/** The server's own words for why something waits; people's words are their own. */
function sayReason(t: ReturnType<typeof useT>, reason: string): string {
  if (reason === "filter" || reason === "all") return t(`mod.reason.${reason}`);
  return reason;
}

function Deeds({ order, name, amount, base, owner, onDone }: RowProps & { name: string; amount: string }) {
  const t = useT();
  const { busy, error, run } = useSubmit();
  const [asking, setAsking] = useState<"remove" | "refund" | null>(null);
  const [reason, setReason] = useState("");
  const deeds = deedsOf(order, owner);
  const path = `${base}/${order.id}`;
  if (deeds.length === 0) return null;
  const ask = (deed: "remove" | "refund") => {
    setReason("");
    setAsking(deed);
  };
  return (
    <div className="mt-2.5 flex flex-wrap gap-2">
      {deeds.includes("approve") && (
        <Button look="primary" disabled={busy} icon={<Check size={16} aria-hidden />} aria-label={t("money.approve.of", { name })} onClick={() => void run(() => api.post(`${path}/approve`)).then(onDone)}>
          {t("money.approve")}
        </Button>
      )}
      {deeds.includes("remove") && (
        <Button icon={<X size={16} aria-hidden />} aria-label={t("money.remove.of", { name })} onClick={() => ask("remove")}>
          {t("money.remove")}
        </Button>
      )}
      {deeds.includes("refund") && (
        <Button look="danger" icon={<Undo2 size={16} aria-hidden />} aria-label={t("money.refund.of", { name, amount })} onClick={() => ask("refund")}>
          {t("money.refund")}
        </Button>
      )}
      <FormError>{error ? sayError(t, error) : null}</FormError>
      <Confirm
        open={asking !== null}
        onClose={() => setAsking(null)}
        title={asking === "refund" ? t("money.refund.title", { amount }) : t("money.remove.title")}
        action={t(asking === "refund" ? "money.refund" : "money.remove")}
        work={() => api.post(`${path}/${asking ?? ""}`, { reason: reason.trim() }).then(onDone)}
      >
        <p className="mb-4">{asking === "refund" ? t("money.refund.text", { name, provider: sayProvider(t, order.provider) }) : t("money.remove.text", { name, amount })}</p>
        <TextField label={t("money.reason")} value={reason} onText={setReason} maxLength={200} data-first />
      </Confirm>
    </div>
  );
}
