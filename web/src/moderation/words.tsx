import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { api } from "../api/client";
import { useT } from "../store/language";
import { useResource } from "../store/resource";
import { useSubmit } from "../store/submit";
import { Button, IconButton } from "../ui/button";
import { AreaField, FormError, SelectField, TextField } from "../ui/form";
import { Section } from "../ui/section";
import { Failed, Loading, sayError } from "../ui/states";
import { Marked } from "./queue";

const actions = ["pass", "mask", "hold", "refuse", "timeout"] as const;
type Action = (typeof actions)[number];
type List = { name: string; words: string[]; action: Action; timeout_s: number };
type Pattern = { name: string; expression: string; action: Action; timeout_s: number };
type Rules = { built_in: Record<string, Action>; lists: List[]; allow: string[]; patterns: Pattern[] };
type Verdict = { action: Action; text: string; hits: { start: number; end: number; term: string; source: string; action: Action }[] };

const builtIn = ["ko", "en", "slurs", "sexual"] as const;
const TIMEOUT_S = 600;

function lines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}

/** The room's word lists, and a place to try them. */
export function WordsRoom({ slug }: { slug: string }) {
  const path = `/channels/${encodeURIComponent(slug)}/filter`;
  const rules = useResource<Rules>(path, () => api.get(path));
  if (!rules.value) return rules.error ? <Failed error={rules.error} retry={rules.reload} /> : <Loading />;
  return <Lists key={path} path={path} first={rules.value} />;
}

function Lists({ path, first }: { path: string; first: Rules }) {
  const t = useT();
  const [rules, setRules] = useState(first);
  const [allow, setAllow] = useState(first.allow.join("\n"));
  const [patterns, setPatterns] = useState(first.patterns.map((pattern) => pattern.expression).join("\n"));
  const [saved, setSaved] = useState(false);
  const { busy, error, run } = useSubmit();
  const change = (next: Partial<Rules>) => {
    setSaved(false);
    setRules({ ...rules, ...next });
  };
  const whole = (): Rules => ({
    ...rules,
    allow: lines(allow),
    patterns: lines(patterns).map((expression, index) => ({ ...(first.patterns.find((each) => each.expression === expression) ?? { name: `${index + 1}`, action: "hold", timeout_s: 0 }), expression })),
  });
  const options = actions.map((action) => [action, t(`mod.action.${action}`)] as const);
  const setList = (index: number, next: Partial<List>) => change({ lists: rules.lists.map((list, at) => (at === index ? { ...list, ...next } : list)) });
  return (
    <>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void run(() => api.put(path, whole())).then(setSaved);
        }}
      >
        <Section title={t("mod.words.builtin")}>
          <div className="grid gap-4 sm:grid-cols-2">
            {builtIn.map((name) => (
              <SelectField
                key={name}
                label={t(`mod.words.${name}`)}
                value={rules.built_in[name] ?? "pass"}
                options={options}
                onPick={(action) => change({ built_in: { ...rules.built_in, [name]: action as Action } })}
              />
            ))}
          </div>
        </Section>
        <Section title={t("mod.words.own")}>
          {rules.lists.length === 0 && <p className="mb-3 text-m text-ink-2">{t("mod.words.own.empty")}</p>}
          <div className="flex flex-col gap-4">
            {rules.lists.map((list, index) => (
              <fieldset key={index} className="flex flex-col gap-3 rounded-m bg-surface p-4">
                <legend className="sr-only">{list.name || t("mod.words.add")}</legend>
                <div className="flex items-end gap-2">
                  <div className="min-w-0 flex-1">
                    <TextField label={t("mod.words.name")} value={list.name} onText={(name) => setList(index, { name })} maxLength={40} required />
                  </div>
                  <IconButton label={t("mod.words.remove", { name: list.name })} onClick={() => change({ lists: rules.lists.toSpliced(index, 1) })}>
                    <Trash2 size={18} aria-hidden />
                  </IconButton>
                </div>
                <WordsField words={list.words} onWords={(words) => setList(index, { words })} />
                <div className="grid gap-3 sm:grid-cols-2">
                  <SelectField label={t("mod.words.action")} value={list.action} options={options.slice(1)} onPick={(action) => setList(index, { action: action as Action, timeout_s: action === "timeout" ? list.timeout_s || TIMEOUT_S : 0 })} />
                  {list.action === "timeout" && (
                    <TextField label={t("mod.words.timeout")} type="number" min={1} max={1_209_600} value={String(list.timeout_s)} onText={(seconds) => setList(index, { timeout_s: Number(seconds) })} required />
                  )}
                </div>
              </fieldset>
            ))}
          </div>
          <Button look="quiet" icon={<Plus size={16} aria-hidden />} className="mt-2" onClick={() => change({ lists: [...rules.lists, { name: "", words: [], action: "hold", timeout_s: 0 }] })}>
            {t("mod.words.add")}
          </Button>
          <div className="mt-4 grid gap-4 sm:grid-cols-2">
            <AreaField label={t("mod.words.allow")} value={allow} onText={setAllow} rows={4} />
            <AreaField label={t("mod.words.patterns")} value={patterns} onText={setPatterns} rows={4} />
          </div>
        </Section>
        <div className="flex flex-wrap items-center gap-3">
          <Button look="primary" type="submit" disabled={busy}>
            {t("save")}
          </Button>
          <span role="status" className="text-m text-good">
            {saved && t("mod.words.saved")}
          </span>
        </div>
        <div className="mt-3">
          <FormError>{error ? sayError(t, error) : null}</FormError>
        </div>
      </form>
      <div className="mt-10">
        <Tester path={path} rules={whole} />
      </div>
    </>
  );
}

/** Words are kept as they were typed until they are read as lines. */
function WordsField({ words, onWords }: { words: string[]; onWords: (words: string[]) => void }) {
  const t = useT();
  const [text, setText] = useState(words.join("\n"));
  return (
    <div>
      <AreaField
        label={t("mod.words.words")}
        value={text}
        rows={4}
        onText={(next) => {
          setText(next);
          onWords(lines(next));
        }}
      />
      <p className="mt-1 text-s text-ink-3">{t("mod.words.words.hint")}</p>
    </div>
  );
}

/** What the filter would say to a message, by the lists as they stand on the page. */
function Tester({ path, rules }: { path: string; rules: () => Rules }) {
  const t = useT();
  const [text, setText] = useState("");
  const [judged, setJudged] = useState<{ text: string; verdict: Verdict } | null>(null);
  const { busy, error, run } = useSubmit();
  return (
    <Section title={t("mod.test")}>
      <form
        className="flex flex-wrap items-end gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          void run(async () => setJudged({ text, verdict: await api.post<Verdict>(`${path}/test`, { text, rules: rules() }) }));
        }}
      >
        <div className="min-w-0 flex-[1_1_260px]">
          <TextField label={t("mod.test.text")} value={text} onText={setText} maxLength={500} required />
        </div>
        <Button type="submit" className="md:h-11" disabled={busy || text === ""}>
          {t("mod.test")}
        </Button>
      </form>
      <p className="mt-1 text-s text-ink-3">{t("mod.test.unsaved")}</p>
      <div className="mt-3" role="status">
        {judged && (
          <div className="rounded-m bg-surface px-4 py-3">
            <p>
              <Marked text={judged.text} hits={judged.verdict.hits.map((hit) => ({ from: hit.start, to: hit.end, term: hit.term }))} />
            </p>
            <p className="mt-1 text-s text-ink-2">
              {judged.verdict.action === "pass"
                ? t("mod.test.passes")
                : t("mod.test.hits", { action: t(`mod.action.${judged.verdict.action}`), words: judged.verdict.hits.map((hit) => hit.term).join(", ") })}
            </p>
          </div>
        )}
        <FormError>{error ? sayError(t, error) : null}</FormError>
      </div>
    </Section>
  );
}
