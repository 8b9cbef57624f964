import { Plus } from "lucide-react";
import { useState } from "react";
import { api } from "../api/client";
import type { ScopeInfo, Token, TokenValue } from "../api/types";
import { en } from "../i18n/en";
import type { Key, Translate } from "../i18n";
import { ago } from "../i18n/moments";
import { useNow } from "../store/clock";
import { useT } from "../store/language";
import { useListing } from "../store/pages";
import { useResource } from "../store/resource";
import { useSubmit } from "../store/submit";
import { Button } from "../ui/button";
import { Confirm } from "../ui/confirm";
import { CodeField, CopyButton } from "../ui/copy";
import { Dialog } from "../ui/dialog";
import { FormError, SelectField, TextField } from "../ui/form";
import { ListOf } from "../ui/listing";
import { useRecent } from "../ui/recent";
import { PageHead, Row } from "../ui/section";
import { Failed, Loading, Notice, sayError } from "../ui/states";

const DAY = 86_400;

function sayScope(t: Translate, { scope, what }: ScopeInfo): string {
  const key = `scope.${scope}`;
  return key in en ? t(key as Key) : what;
}

/** API tokens of one's own, with scopes. */
export function TokensRoom() {
  const t = useT();
  const now = useNow(30_000);
  const tokens = useListing<Token>("/tokens");
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<TokenValue | null>(null);
  const [revoked, setRevoked] = useState<Token | null>(null);
  const row = (token: Token) => (
    <Row
      key={token.id}
      title={token.name}
      note={
        <>
          <code className="font-mono">{token.mask}</code> · {token.scopes.join(", ")} · {token.last_used_at ? t("tokens.used", { when: ago(t, token.last_used_at, now) }) : t("tokens.unused")}
        </>
      }
    >
      <Button look="danger" onClick={() => setRevoked(token)}>
        {t("tokens.revoke")}
      </Button>
    </Row>
  );
  return (
    <div className="max-w-[820px]">
      <PageHead title={t("admin.tokens")} text={t("tokens.text")}>
        <a href="/docs" className="inline-flex h-11 items-center rounded-full px-4 text-m font-semibold text-ink-2 hover:bg-raised hover:text-ink md:h-9">
          {t("tokens.docs")}
        </a>
        <Button look="primary" icon={<Plus size={18} aria-hidden />} onClick={() => setMaking(true)}>
          {t("tokens.new")}
        </Button>
      </PageHead>
      <ListOf list={tokens} row={row} empty={<Notice title={t("tokens.empty")} />} />
      {making && (
        <Make
          onClose={() => setMaking(false)}
          onMade={(token) => {
            setMaking(false);
            setMade(token);
            tokens.reload();
          }}
        />
      )}
      {made && (
        <Dialog open title={t("tokens.made")} onClose={() => setMade(null)}>
          <CodeField label={made.name} value={made.value}>
            <CopyButton what={t("tokens.made")} text={made.value} />
          </CodeField>
          <p className="mt-3 text-m text-ink-2">{t("tokens.made.text")}</p>
        </Dialog>
      )}
      {revoked && (
        <Confirm
          open
          title={t("tokens.revoke.title", { name: revoked.name })}
          action={t("tokens.revoke")}
          onClose={() => setRevoked(null)}
          work={() => api.delete(`/tokens/${revoked.id}`).then(tokens.reload)}
        >
          {t("tokens.revoke.text")}
        </Confirm>
      )}
    </div>
  );
}

function Make({ onClose, onMade }: { onClose: () => void; onMade: (token: TokenValue) => void }) {
  const t = useT();
  const scopes = useResource("scopes", () => api.get<ScopeInfo[]>("/scopes"));
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<string[]>([]);
  const [days, setDays] = useState("");
  const { busy, error, run } = useSubmit();
  const { guard, dialog } = useRecent();
  const submit = () =>
    run(async () => {
      const token = await guard(() => api.post<TokenValue>("/tokens", { name, scopes: chosen, ...(days ? { expires_in_s: Number(days) * DAY } : {}) }));
      if (token) onMade(token);
    });
  return (
    <>
      <Dialog open title={t("tokens.new")} onClose={onClose} wide>
        <form
          className="flex flex-col gap-4"
          onSubmit={(event) => {
            event.preventDefault();
            void submit();
          }}
        >
          <TextField label={t("tokens.name")} value={name} onText={setName} maxLength={80} required autoFocus />
          <fieldset>
            <legend className="mb-1.5 text-m font-semibold">{t("tokens.scopes")}</legend>
            {!scopes.value && (scopes.error ? <Failed error={scopes.error} retry={scopes.reload} /> : <Loading rows={4} />)}
            <div className="grid gap-x-4 sm:grid-cols-2">
              {(scopes.value ?? []).map((scope) => (
                <label key={scope.scope} className="flex min-h-11 cursor-pointer items-center gap-3 py-1 text-m">
                  <input
                    type="checkbox"
                    className="size-5 shrink-0 accent-ink"
                    checked={chosen.includes(scope.scope)}
                    onChange={(event) => setChosen(event.target.checked ? [...chosen, scope.scope] : chosen.filter((each) => each !== scope.scope))}
                  />
                  <span>
                    {sayScope(t, scope)}
                    <code className="block font-mono text-xs text-ink-3">{scope.scope}</code>
                  </span>
                </label>
              ))}
            </div>
          </fieldset>
          <SelectField label={t("tokens.expires")} value={days} options={[["", t("tokens.forever")], ...["30", "90", "365"].map((each) => [each, t("days", { n: Number(each) })] as const)]} onPick={setDays} />
          <FormError>{error ? sayError(t, error) : null}</FormError>
          <Button look="primary" type="submit" disabled={busy || name === "" || chosen.length === 0} className="self-end">
            {t("tokens.do")}
          </Button>
        </form>
      </Dialog>
      {dialog}
    </>
  );
}
