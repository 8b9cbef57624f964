import { Megaphone, Trash2 } from "lucide-react";
import { useState } from "react";
import { Refused } from "../chat/card";
import { span } from "../chat/say";
import { Switch } from "../chat/settings";
import { useRoom, useStore } from "../chat/store";
import type { Preset, Settings, Tint } from "../chat/wire";
import { useT } from "../store/language";
import { useSubmit } from "../store/submit";
import { Button } from "../ui/button";
import { classes } from "../ui/classes";
import { Confirm } from "../ui/confirm";
import { AreaField, SelectField, TextField } from "../ui/form";
import { Section } from "../ui/section";
import { Loading } from "../ui/states";

const presets = ["calm", "normal", "raid"] as const;
const SLOW_S = [0, 3, 5, 10, 30, 60, 120, 300];
const FOLLOWERS_MIN = [null, 0, 10, 60, 1440, 10_080];
const tints: Tint[] = ["primary", "blue", "green", "orange", "purple"];

/** The three presets: the whole room's modes with one press. */
export function Presets({ small }: { small?: boolean }) {
  const t = useT();
  const store = useStore();
  const { settings } = useRoom();
  const { busy, error, run } = useSubmit();
  const pick = (preset: Preset) => void run(() => store.call("chat.preset", { preset }));
  return (
    <>
      <div role="group" aria-label={t("mod.preset")} className="grid grid-cols-3 gap-2">
        {presets.map((preset) => (
          <button
            key={preset}
            type="button"
            disabled={busy}
            aria-pressed={settings?.preset === preset}
            onClick={() => pick(preset)}
            className={classes("min-h-11 rounded-m border px-3 py-2 text-left", !small && "flex flex-col", settings?.preset === preset ? "border-link bg-raised" : "border-edge bg-surface hover:bg-raised")}
          >
            <span className="block text-m font-semibold">{t(`mod.preset.${preset}`)}</span>
            {!small && <span className="mt-0.5 block text-s text-ink-2 max-sm:hidden">{t(`mod.preset.${preset}.text`)}</span>}
          </button>
        ))}
      </div>
      <Refused error={error} />
    </>
  );
}

/** Everything that may hold in the room; each change holds at once. */
export function ModesRoom() {
  const t = useT();
  const store = useStore();
  const { settings } = useRoom();
  const { error, run } = useSubmit();
  if (!settings) return <Loading />;
  const set = (change: Partial<Settings>) => void run(() => store.call("chat.settings", change));
  const followers = settings.followers_min;
  return (
    <>
      <Section title={t("mod.preset")}>
        <Presets />
      </Section>
      <Refused error={error} />
      <Section title={t("mod.rules")}>
        <div className="grid gap-4 sm:grid-cols-2">
          <SelectField
            label={t("mod.set.slow")}
            value={String(settings.slow_s)}
            options={[...new Set([...SLOW_S, settings.slow_s])].sort((a, b) => a - b).map((seconds) => [String(seconds), seconds === 0 ? t("mod.set.slow.off") : span(t, seconds)])}
            onPick={(value) => set({ slow_s: Number(value) })}
          />
          <SelectField
            label={t("mod.set.followers")}
            value={String(followers)}
            options={[...new Set([...FOLLOWERS_MIN, followers])].map((minutes) => [
              String(minutes),
              minutes === null ? t("mod.set.followers.off") : minutes === 0 ? t("mod.set.followers.any") : t("mod.set.followers.min", { time: span(t, minutes * 60) }),
            ])}
            onPick={(value) => set({ followers_min: value === "null" ? null : Number(value) })}
          />
          <SelectField
            label={t("mod.set.frozen")}
            value={settings.frozen}
            options={(["", "guests", "viewers", "subscribers", "all"] as const).map((group) => [group, t(`mod.set.frozen.${group || "off"}`)])}
            onPick={(value) => set({ frozen: value as Settings["frozen"] })}
          />
          <SelectField
            label={t("mod.set.hold")}
            value={settings.hold}
            options={(["none", "filter", "newcomers", "all"] as const).map((what) => [what, t(`mod.set.hold.${what}`)])}
            onPick={(value) => set({ hold: value as Settings["hold"] })}
          />
        </div>
        <div className="mt-3 grid gap-x-8 sm:grid-cols-2">
          <Switch on={settings.guests} onChange={(guests) => set({ guests })}>
            {t("mod.set.guests")}
          </Switch>
          <Switch on={settings.links} onChange={(links) => set({ links })}>
            {t("mod.set.links")}
          </Switch>
          <Switch on={settings.subscribers_only} onChange={(on) => set({ subscribers_only: on })}>
            {t("mod.set.subscribers")}
          </Switch>
          <Switch on={settings.emoji_only} onChange={(on) => set({ emoji_only: on })}>
            {t("mod.set.emoji")}
          </Switch>
          <Switch on={settings.unique} onChange={(unique) => set({ unique })}>
            {t("mod.set.unique")}
          </Switch>
          <Switch on={settings.effects} onChange={(effects) => set({ effects })}>
            {t("mod.set.effects")}
          </Switch>
          <Switch on={settings.polls} onChange={(polls) => set({ polls })}>
            {t("mod.set.polls")}
          </Switch>
          <Switch on={settings.paid} onChange={(paid) => set({ paid })}>
            {t("mod.set.paid")}
          </Switch>
        </div>
      </Section>
      <Rules settings={settings} onSave={(change) => run(() => store.call("chat.settings", change))} />
      <Announce />
      <Clear />
    </>
  );
}

function Rules({ settings, onSave }: { settings: Settings; onSave: (change: Partial<Settings>) => Promise<boolean> }) {
  const t = useT();
  const [rules, setRules] = useState(settings.rules);
  const [letters, setLetters] = useState(String(settings.letters));
  return (
    <Section title={t("mod.set.rules")}>
      <form
        className="flex max-w-[560px] flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void onSave({ rules: rules.trim(), letters: Number(letters) });
        }}
      >
        <AreaField label={t("mod.set.rules.hint")} value={rules} onText={setRules} rows={3} maxLength={500} />
        <TextField label={t("mod.set.letters")} type="number" min={1} max={500} value={letters} onText={setLetters} required />
        <Button type="submit" look="primary" className="self-start">
          {t("save")}
        </Button>
      </form>
    </Section>
  );
}

export function Announce() {
  const t = useT();
  const store = useStore();
  const [text, setText] = useState("");
  const [color, setColor] = useState<Tint>("primary");
  const { busy, error, run } = useSubmit();
  return (
    <Section title={t("mod.announce")}>
      <form
        className="flex max-w-[560px] flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          void run(() => store.call("chat.announce", { text: text.trim(), color })).then((done) => done && setText(""));
        }}
      >
        <AreaField label={t("mod.announce.text")} value={text} onText={setText} rows={2} maxLength={500} />
        <div className="flex flex-wrap items-end gap-3">
          <div className="min-w-40 flex-1">
            <SelectField label={t("mod.announce.color")} value={color} options={tints.map((tint) => [tint, t(`mod.color.${tint}`)])} onPick={(value) => setColor(value as Tint)} />
          </div>
          <Button type="submit" look="primary" className="md:h-11" icon={<Megaphone size={16} aria-hidden />} disabled={busy || text.trim() === ""}>
            {t("mod.announce")}
          </Button>
        </div>
        <Refused error={error} />
      </form>
    </Section>
  );
}

function Clear() {
  const t = useT();
  const store = useStore();
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button look="danger" icon={<Trash2 size={16} aria-hidden />} onClick={() => setAsking(true)}>
        {t("mod.clear")}
      </Button>
      <Confirm open={asking} onClose={() => setAsking(false)} title={t("mod.clear.title")} action={t("mod.clear")} work={() => store.call("chat.clear")}>
        {t("mod.clear.text")}
      </Confirm>
    </>
  );
}
