import { useState } from "react";
import { api } from "../api/client";
import type { components } from "../api/schema";
import { Switch } from "../chat/settings";
import { amountIn, typed, type Currency } from "../pay/amounts";
import { useT } from "../store/language";
import { useSubmit } from "../store/submit";
import { Button } from "../ui/button";
import { FormError, SelectField, TextField } from "../ui/form";
import { Section } from "../ui/section";
import { sayError } from "../ui/states";

type Overlay = components["schemas"]["Overlay"];
type Options = components["schemas"]["OverlayOptions"];

/** How the overlays of a channel look and sound; pages that are open follow at once. */
export function OverlayOptions({ slug, first }: { slug: string; first: Options }) {
  const t = useT();
  const [options, setOptions] = useState(first);
  const [least, setLeast] = useState<Record<Currency, string>>({ KRW: typed(first.least_krw, "KRW"), USD: typed(first.least_usd, "USD") });
  const [saved, setSaved] = useState(false);
  const { busy, error, run } = useSubmit();
  const change = (next: Partial<Options>) => {
    setSaved(false);
    setOptions({ ...options, ...next });
  };
  const amounts = { KRW: amountIn("KRW", least.KRW), USD: amountIn("USD", least.USD) };
  const bad = Number.isNaN(amounts.KRW) || Number.isNaN(amounts.USD);
  const leastField = (currency: Currency) => (
    <TextField
      label={t("overlay.least", { currency })}
      value={least[currency]}
      inputMode="decimal"
      className="num"
      required
      onText={(text) => {
        setSaved(false);
        setLeast({ ...least, [currency]: text });
      }}
    />
  );
  return (
    <Section title={t("overlay.options")}>
      <form
        className="flex max-w-[560px] flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void run(() => api.put<Overlay>(`/channels/${encodeURIComponent(slug)}/overlay`, { ...options, least_krw: amounts.KRW, least_usd: amounts.USD })).then(setSaved);
        }}
      >
        <div className="grid grid-cols-2 items-end gap-3">
          {leastField("KRW")}
          {leastField("USD")}
          <TextField label={t("overlay.shown")} type="number" min={3} max={60} value={String(options.shown_s)} onText={(text) => change({ shown_s: Number(text) })} required className="num" />
          <TextField label={t("overlay.lines")} type="number" min={1} max={50} value={String(options.lines)} onText={(text) => change({ lines: Number(text) })} required className="num" />
        </div>
        <Switch on={options.speech} onChange={(speech) => change({ speech })}>
          {t("overlay.speech")}
        </Switch>
        {options.speech && (
          <div className="grid grid-cols-2 items-start gap-3">
            <SelectField label={t("overlay.voice")} value={options.voice} options={(["auto", "ko", "en"] as const).map((each) => [each, t(`overlay.voice.${each}`)])} onPick={(voice) => change({ voice: voice as Options["voice"] })} />
            <label className="flex flex-col gap-1.5 text-m font-semibold">
              {t("overlay.volume")}
              <input type="range" min={0} max={1} step={0.1} value={options.volume} onChange={(event) => change({ volume: Number(event.target.value) })} className="h-11 w-full accent-(--ink)" />
            </label>
          </div>
        )}
        <FormError>{error ? sayError(t, error) : null}</FormError>
        <div className="flex items-center gap-3">
          <Button look="primary" type="submit" disabled={busy || bad}>
            {t("save")}
          </Button>
          <p role="status" className="text-m text-good">
            {saved && t("saved")}
          </p>
        </div>
      </form>
    </Section>
  );
}
