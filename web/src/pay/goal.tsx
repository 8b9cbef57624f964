import { useState } from "react";
import { api } from "../api/client";
import type { components } from "../api/schema";
import { money } from "../i18n/money";
import { useLanguage } from "../store/language";
import { useSubmit } from "../store/submit";
import { Button } from "../ui/button";
import { FormError, SelectField, TextField } from "../ui/form";
import { sayError } from "../ui/states";
import { amountIn, DIGITS, typed, type Currency } from "./amounts";
import { GoalBar } from "./goalbar";

type Goal = components["schemas"]["Goal"];

/** What the channel collects for: set, counted anew, removed. */
export function GoalForm({ slug, goal, currency: first, onSet }: { slug: string; goal: Goal | null; currency: Currency; onSet: (goal: Goal | null) => void }) {
  const { t, language } = useLanguage();
  const path = `/channels/${encodeURIComponent(slug)}/superchat/goal`;
  const [title, setTitle] = useState(goal?.title ?? "");
  const [currency, setCurrency] = useState<Currency>(goal ? (goal.currency as Currency) : first);
  const [text, setText] = useState(goal ? typed(goal.amount, goal.currency as Currency) : "");
  const [saved, setSaved] = useState(false);
  const { busy, error, run } = useSubmit();
  const amount = amountIn(currency, text);
  const bad = text !== "" && !(amount > 0);
  const set = async (afresh: boolean) => {
    setSaved(false);
    setSaved(await run(async () => onSet(await api.put<Goal>(path, { title: title.trim(), amount, currency, afresh }))));
  };
  return (
    <form
      className="flex max-w-[560px] flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        void set(goal === null);
      }}
    >
      {goal && <GoalBar goal={goal} className="rounded-m bg-surface px-4 py-3" />}
      <TextField label={t("money.goal.title")} value={title} onText={setTitle} maxLength={80} required />
      <div className="grid grid-cols-[minmax(0,2fr)_minmax(0,1fr)] gap-3">
        <TextField
          label={t("money.goal.amount")}
          value={text}
          onText={setText}
          inputMode="decimal"
          required
          className="num"
          error={bad ? t("money.goal.bad", { example: money(language, currency === "KRW" ? 100_000 : 10_000, currency) }) : null}
        />
        <SelectField label={t("money.goal.currency")} value={currency} options={Object.keys(DIGITS).map((each) => [each, each])} onPick={(next) => setCurrency(next as Currency)} />
      </div>
      <FormError>{error ? sayError(t, error) : null}</FormError>
      <div className="flex flex-wrap items-center gap-2">
        <Button look="primary" type="submit" disabled={busy || !(amount > 0) || title.trim() === ""}>
          {t(goal ? "save" : "money.goal.set")}
        </Button>
        {goal && (
          <>
            <Button disabled={busy || !(amount > 0)} onClick={() => void set(true)}>
              {t("money.goal.afresh")}
            </Button>
            <Button
              look="danger"
              disabled={busy}
              onClick={() =>
                void run(() => api.delete(path)).then((done) => {
                  if (!done) return;
                  setSaved(false);
                  setTitle((now) => (now === goal.title ? "" : now)); // what was typed meanwhile stays
                  setText((now) => (now === typed(goal.amount, goal.currency as Currency) ? "" : now));
                  onSet(null);
                })
              }
            >
              {t("money.goal.remove")}
            </Button>
          </>
        )}
        <p role="status" className="text-m text-good">
          {saved && t("saved")}
        </p>
      </div>
    </form>
  );
}
