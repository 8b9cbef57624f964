import { useRef, useState, type CSSProperties } from "react";
import { api } from "../api/client";
import { money } from "../i18n/money";
import { useLanguage } from "../store/language";
import { useResource } from "../store/resource";
import { Button } from "../ui/button";
import { classes } from "../ui/classes";
import { Dialog } from "../ui/dialog";
import { FormError, Select } from "../ui/form";
import { Failed, Loading } from "../ui/states";
import { offered, parsed, Refused, tierOf, usualPrice, type Offer, type Order, type Price } from "./amounts";

type Props = { slug: string; name: string; order: Order; onClose: () => void };

/** Where a paid message is written; paying itself is on the order's own page. */
export function PayDialog({ slug, name, order, onClose }: Props) {
  const { t } = useLanguage();
  const offer = useResource<Offer>(slug, () => api.get(`/channels/${slug}/superchat`));
  return (
    <Dialog open onClose={onClose} title={t("pay.open")}>
      {offer.error ? <Failed error={offer.error} retry={offer.reload} /> : offer.value ? <Choice offer={offer.value} name={name} order={order} /> : <Loading />}
    </Dialog>
  );
}

type Chosen = { offer: Offer; name: string; order: Order };

function Choice({ offer, name, order }: Chosen) {
  const { t, language } = useLanguage();
  const price = usualPrice(offer, language);
  if (!offer.enabled || !price) return <p className="py-6 text-center text-ink-2">{t("pay.none")}</p>;
  return <WishForm offer={offer} name={name} order={order} first={price} />;
}

function onceKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function WishForm({ offer, name, order, first }: Chosen & { first: Price }) {
  const { t, language } = useLanguage();
  const [price, setPrice] = useState(first);
  const [typed, setTyped] = useState(() => String((first.tiers[2]?.amount ?? first.most) / 10 ** first.digits));
  const [text, setText] = useState("");
  const [anonymous, setAnonymous] = useState(false);
  const takers = offer.providers.filter((provider) => provider.currencies.includes(price.currency));
  const [provider, setProvider] = useState(takers[0]?.name ?? "");
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);
  const sent = useRef({ wish: "", nonce: "" });
  const amount = parsed(price, typed);
  const tier = tierOf(price, amount);
  const letters = tier?.letters ?? 0;
  const say = (sum: number) => money(language, sum, price.currency);

  const go = async () => {
    if (!tier || busy) return;
    setBusy(true);
    setFault("");
    try {
      const wish = { amount, currency: price.currency, provider, text: text.slice(0, letters), anonymous };
      // Another wish is another order; the same one, sent again, is the same.
      const same = JSON.stringify(wish);
      if (sent.current.wish !== same) sent.current = { wish: same, nonce: onceKey() };
      location.assign(`/pay/${await order({ ...wish, nonce: sent.current.nonce })}`);
    } catch (error) {
      setFault(error instanceof Refused ? error.message : t("error.text"));
      setBusy(false);
    }
  };

  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        void go();
      }}
    >
      <p className="text-s text-ink-2">{t("pay.to", { name })}</p>
      <fieldset className="min-w-0">
        <legend className="mb-1.5 text-s font-semibold">{t("pay.amount")}</legend>
        <div className="grid grid-cols-4 gap-1.5">
          {offered(price).map((each) => (
            <button
              key={each.tier}
              type="button"
              aria-pressed={amount === each.amount}
              onClick={() => setTyped(String(each.amount / 10 ** price.digits))}
              className={classes("h-11 rounded-m border-2 bg-raised text-s font-semibold tabular-nums", amount === each.amount ? "border-focus" : "border-transparent")}
            >
              {say(each.amount)}
            </button>
          ))}
        </div>
        <label className="mt-2 flex items-center gap-2 text-s text-ink-2">
          {t("pay.other")}
          <input
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            inputMode="decimal"
            aria-invalid={tier === null}
            className="h-11 min-w-0 flex-1 rounded-m border border-edge bg-paper px-3 text-right text-m text-ink tabular-nums"
          />
          {offer.prices.length > 1 && (
            <Select
              value={price.currency}
              aria-label={t("pay.amount")}
              options={offer.prices.map((each) => [each.currency, each.currency])}
              onPick={(currency) => {
                const next = offer.prices.find((each) => each.currency === currency) ?? price;
                setPrice(next);
                setTyped(String((next.tiers[2]?.amount ?? next.most) / 10 ** next.digits));
              }}
              className="h-11 rounded-m border border-edge bg-paper px-3 text-m text-ink"
            />
          )}
        </label>
        {tier === null && (
          <p className="mt-1 text-s text-live">{t("pay.bad_amount", { least: say(price.tiers[0]?.amount ?? 0), most: say(price.most), step: say(price.step) })}</p>
        )}
      </fieldset>
      <div className="overflow-hidden rounded-m has-[textarea:focus-visible]:outline-2 has-[textarea:focus-visible]:outline-offset-2 has-[textarea:focus-visible]:outline-focus" style={{ "--tier": tier?.color ?? "var(--line)" } as CSSProperties}>
        <div className="flex items-baseline justify-between border-l-4 border-(--tier) bg-raised px-3 pt-2 text-s">
          <label htmlFor="pay-text" className="font-semibold">
            {t("pay.text")}
          </label>
          <span className="text-ink-2 tabular-nums">{letters > 0 ? t("pay.left", { n: letters - text.length }) : ""}</span>
        </div>
        <div className="border-l-4 border-(--tier) bg-raised px-3 pb-2">
          {letters > 0 ? (
            <textarea id="pay-text" rows={2} maxLength={letters} value={text} onChange={(event) => setText(event.target.value)} className="w-full resize-none bg-transparent py-1 text-m outline-none" />
          ) : (
            <p id="pay-text" className="py-1 text-s text-ink-2">
              {t("pay.text.none", { amount: say(price.tiers.find((each) => each.letters > 0)?.amount ?? 0) })}
            </p>
          )}
          {tier !== null && tier.pin_s > 0 && <p className="text-xs text-ink-2">{t("pay.pinned", { minutes: Math.round(tier.pin_s / 60) })}</p>}
        </div>
      </div>
      <label className="flex min-h-11 items-center gap-2 text-s md:min-h-9">
        <input type="checkbox" checked={anonymous} onChange={(event) => setAnonymous(event.target.checked)} className="size-5 shrink-0 accent-(--focus)" />
        {t("pay.anonymous")}
      </label>
      {takers.length > 1 && (
        <fieldset className="flex flex-col gap-1">
          <legend className="mb-1 text-s font-semibold">{t("pay.with")}</legend>
          {takers.map((each) => (
            <label key={each.name} className="flex min-h-11 items-center gap-2 text-s md:min-h-9">
              <input type="radio" name="provider" checked={provider === each.name} onChange={() => setProvider(each.name)} className="size-5 shrink-0 accent-(--focus)" />
              {sayProvider(t, each.name)}
            </label>
          ))}
        </fieldset>
      )}
      {fault && <FormError>{fault}</FormError>}
      <Button type="submit" look="primary" disabled={tier === null || busy || takers.length === 0}>
        {t("pay.go", { amount: tier ? say(amount) : "" })}
      </Button>
      <p className="text-xs text-ink-2">{t("pay.terms")}</p>
    </form>
  );
}

/** A provider's name, as people know it. */
export function sayProvider(t: ReturnType<typeof useLanguage>["t"], name: string): string {
  if (name === "rehearsal" || name === "stripe" || name === "toss") return t(`pay.provider.${name}`);
  return name;
}
