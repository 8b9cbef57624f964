import { ArrowUp, Plus, X } from "lucide-react";
import { useState } from "react";
import { api } from "../api/client";
import type { components } from "../api/schema";
import { EmojiPicker } from "../chat/picker";
import { useT } from "../store/language";
import { useResource } from "../store/resource";
import { useSubmit } from "../store/submit";
import { Button, IconButton } from "../ui/button";
import { FormError, SmallSelect, TextField } from "../ui/form";
import { Section } from "../ui/section";
import { Failed, Loading, sayError } from "../ui/states";
import { KINDS, MOST_EMOJI, movedUp, oneEmoji, withEmoji, type EffectKind, type Pair } from "../effects/order";

type EffectMap = components["schemas"]["EffectMap"];

/** Which emoji set off which effect in a channel. */
export function EmojiMap({ slug }: { slug: string }) {
  const t = useT();
  const path = `/channels/${encodeURIComponent(slug)}/effects`;
  const found = useResource<EffectMap>(path, () => api.get(path));
  return (
    <Section title={t("stage.map")}>
      <p className="-mt-1.5 mb-3 max-w-[60ch] text-m text-ink-2">{t("stage.map.text")}</p>
      {found.value ? <Editor path={path} first={Object.entries(found.value.emoji)} /> : found.error ? <Failed error={found.error} retry={found.reload} /> : <Loading />}
    </Section>
  );
}

function Editor({ path, first }: { path: string; first: readonly Pair[] }) {
  const t = useT();
  const [pairs, setPairs] = useState(first);
  const [saved, setSaved] = useState(false);
  const { busy, error, run } = useSubmit();
  const change = (next: readonly Pair[]) => {
    setSaved(false);
    setPairs(next);
  };
  const full = pairs.length >= MOST_EMOJI;
  return (
    <>
      {pairs.length === 0 && <p className="mb-3 text-m text-ink-2">{t("stage.map.empty")}</p>}
      <ol className="grid gap-2 sm:grid-cols-2">
        {pairs.map(([emoji, kind], index) => (
          <li key={emoji} className="flex items-center gap-1 rounded-m bg-surface py-1 pr-1 pl-3">
            <span className="w-9 shrink-0 text-[1.375rem] leading-none">{emoji}</span>
            <span className="min-w-0 flex-1">
              <SmallSelect
                label={t("stage.map.effect", { emoji })}
                value={kind}
                options={KINDS.map((each) => [each, t(`desk.effect.${each}`)])}
                onPick={(next) => change(pairs.with(index, [emoji, next as EffectKind]))}
              />
            </span>
            <IconButton label={t("stage.map.up", { emoji })} disabled={index === 0} className="disabled:opacity-30" onClick={() => change(movedUp(pairs, index))}>
              <ArrowUp size={18} aria-hidden />
            </IconButton>
            <IconButton label={t("stage.map.remove", { emoji })} onClick={() => change(pairs.toSpliced(index, 1))}>
              <X size={18} aria-hidden />
            </IconButton>
          </li>
        ))}
      </ol>
      <p className="mt-2 text-s text-ink-3">{t("stage.map.paid")}</p>
      <div className="mt-4">{full ? <p className="text-m text-ink-2">{t("stage.map.full")}</p> : <Add onAdd={(emoji) => change(withEmoji(pairs, emoji))} />}</div>
      <div className="mt-4 flex flex-wrap items-center gap-3">
        <Button look="primary" disabled={busy} onClick={() => void run(() => api.put(path, { emoji: Object.fromEntries(pairs) })).then(setSaved)}>
          {t("save")}
        </Button>
        <p role="status" className="text-m text-good">
          {saved && t("stage.map.saved")}
        </p>
        <FormError>{error ? sayError(t, error) : null}</FormError>
      </div>
    </>
  );
}

function Add({ onAdd }: { onAdd: (emoji: string) => void }) {
  const t = useT();
  const [text, setText] = useState("");
  const emoji = oneEmoji(text);
  return (
    <form
      className="flex max-w-[420px] items-start gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (emoji === null) return;
        onAdd(emoji);
        setText("");
      }}
    >
      <div className="min-w-0 flex-1">
        <TextField label={t("stage.map.add")} value={text} onText={setText} maxLength={16} autoComplete="off" placeholder={t("stage.map.type")} error={text.trim() !== "" && emoji === null ? t("stage.map.bad") : null} />
      </div>
      <div className="mt-[27px] flex h-11 items-center gap-1">
        <EmojiPicker onPick={onAdd} disabled={false} />
        <Button type="submit" icon={<Plus size={16} aria-hidden />} disabled={emoji === null}>
          {t("stage.map.add")}
        </Button>
      </div>
    </form>
  );
}
