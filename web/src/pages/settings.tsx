import { useRef, useState } from "react";
import { Redirect } from "wouter";
import { api, ApiError } from "../api/client";
import type { Me, Page, Session } from "../api/types";
import type { Language } from "../i18n";
import { ago } from "../i18n/moments";
import { useNow } from "../store/clock";
import { useT } from "../store/language";
import { useMe } from "../store/me";
import { prefer, usePreferences } from "../store/preferences";
import { useResource } from "../store/resource";
import { useSubmit } from "../store/submit";
import { Button } from "../ui/button";
import { sayFault } from "../ui/faults";
import { FormError, PasswordField, SelectField, TextField } from "../ui/form";
import { Avatar, Chip } from "../ui/marks";
import { PageHead, Row, Rows, Section } from "../ui/section";
import { Shell } from "../ui/shell";
import { Failed, Loading, sayError } from "../ui/states";
import { useTitle } from "../ui/title";
import { Leave } from "./leave";

const AVATAR_BYTES = 5 * 1024 * 1024;

/** `/settings`: one's own account, and this browser. */
export function Settings() {
  const t = useT();
  useTitle(t("settings.title"));
  const { me } = useMe();
  if (me === null) return <Redirect to="/login?next=/settings" replace />;
  return (
    <Shell>
      <div className="mx-auto max-w-[640px]">
        <PageHead title={t("settings.title")} />
        {me ? (
          <>
            <Profile me={me} />
            <Look />
            <Password />
            <Sessions />
            <Leave />
          </>
        ) : (
          <Loading />
        )}
      </div>
    </Shell>
  );
}

function Profile({ me }: { me: Me }) {
  const t = useT();
  const { setMe, reload } = useMe();
  const { account } = me;
  const [name, setName] = useState(account.display_name);
  const [told, setTold] = useState<string | null>(null);
  const picker = useRef<HTMLInputElement>(null);
  const profile = useSubmit();
  const picture = useSubmit();
  const upload = (file: File) => {
    setTold(null);
    if (file.size > AVATAR_BYTES) {
      setTold(t("settings.avatar.big"));
      return;
    }
    void picture.run(() => api.put("/me/avatar", file).then(reload));
  };
  const bad = picture.error instanceof ApiError && [400, 413, 415, 422].includes(picture.error.status);
  const wrong = told ?? (bad ? t("settings.avatar.bad") : picture.error ? sayError(t, picture.error) : null);
  return (
    <Section title={t("settings.profile")}>
      <div className="flex flex-col gap-5">
        <div className="flex flex-wrap items-center gap-4">
          <Avatar name={account.display_name || account.name} url={account.avatar_url} size="l" />
          <div className="flex flex-col gap-2">
            <div className="flex flex-wrap gap-2">
              <Button onClick={() => picker.current?.click()} disabled={picture.busy}>
                {t("settings.avatar.change")}
              </Button>
              {account.avatar_url && (
                <Button look="quiet" onClick={() => void picture.run(() => api.delete("/me/avatar").then(reload))}>
                  {t("settings.avatar.remove")}
                </Button>
              )}
            </div>
            <p className="text-s text-ink-3">{t("settings.avatar.hint")}</p>
          </div>
          <input
            ref={picker}
            type="file"
            accept="image/png,image/jpeg,image/webp,image/gif"
            aria-label={t("settings.avatar")}
            className="hidden"
            onChange={(event) => {
              const file = event.target.files?.[0];
              if (file) upload(file);
              event.target.value = "";
            }}
          />
        </div>
        <FormError>{wrong}</FormError>
        <form
          className="flex flex-wrap items-end gap-3"
          onSubmit={(event) => {
            event.preventDefault();
            void profile.run(async () => setMe(await api.patch<Me>("/me", { display_name: name })));
          }}
        >
          <div className="flex-[1_1_240px]">
            <TextField label={t("settings.display")} value={name} onText={setName} maxLength={64} required autoComplete="nickname" error={sayFault(t, profile.fault("display_name"))} hint={`${t("settings.name")}: ${account.name}`} />
          </div>
          <Button look="primary" type="submit" className="mb-[26px] md:h-11" disabled={profile.busy || name === account.display_name || name === ""}>
            {t("save")}
          </Button>
        </form>
        <FormError>{profile.error && !profile.fault("display_name") ? sayError(t, profile.error) : null}</FormError>
      </div>
    </Section>
  );
}

function Look() {
  const t = useT();
  const { theme = "system", language = "system" } = usePreferences();
  return (
    <Section title={t("settings.look")}>
      <div className="grid gap-4 sm:grid-cols-2">
        <SelectField
          label={t("nav.language")}
          value={language}
          options={[
            ["system", t("language.system")],
            ["ko", "한국어"],
            ["en", "English"],
          ]}
          onPick={(value) => prefer({ language: value === "system" ? undefined : (value as Language) })}
        />
        <SelectField
          label={t("nav.theme")}
          value={theme}
          options={[
            ["system", t("theme.system")],
            ["dark", t("theme.dark")],
            ["light", t("theme.light")],
          ]}
          onPick={(value) => prefer({ theme: value === "dark" || value === "light" ? value : undefined })}
        />
      </div>
    </Section>
  );
}

function Password() {
  const t = useT();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [done, setDone] = useState(false);
  const { busy, error, fault, run } = useSubmit();
  const wrong = error instanceof ApiError && error.code === "wrong_password";
  const submit = async () => {
    setDone(false);
    if (!(await run(() => api.put("/me/password", { current, new: next })))) return;
    setCurrent("");
    setNext("");
    setDone(true);
  };
  return (
    <Section title={t("settings.password")}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <div className="grid gap-4 sm:grid-cols-2">
          <PasswordField label={t("settings.password.current")} value={current} onText={setCurrent} autoComplete="current-password" required error={wrong ? t("password.wrong") : null} />
          <PasswordField label={t("settings.password.new")} value={next} onText={setNext} autoComplete="new-password" minLength={8} required hint={t("password.short")} error={sayFault(t, fault("new") ?? fault("password"))} />
        </div>
        <FormError>{error && !wrong && !fault("new") && !fault("password") ? sayError(t, error) : null}</FormError>
        <div className="flex flex-wrap items-center gap-3">
          <Button type="submit" disabled={busy || current === "" || next.length < 8}>
            {t("settings.password.do")}
          </Button>
          <p role="status" className="text-m text-good">
            {done ? t("settings.password.done") : ""}
          </p>
        </div>
      </form>
    </Section>
  );
}

/** "Chrome · Linux", from a User-Agent; null where it says nothing known. */
export function browserOf(agent: string): string | null {
  const browser = ["Edg", "OPR", "Firefox", "Chrome", "Safari"].find((name) => agent.includes(`${name}/`));
  const system = ["iPhone", "iPad", "Android", "Windows", "Mac OS X", "Linux"].find((name) => agent.includes(name));
  const names: Record<string, string> = { Edg: "Edge", OPR: "Opera", "Mac OS X": "macOS" };
  const known = [browser, system].flatMap((name) => (name === undefined ? [] : [names[name] ?? name]));
  return known.length ? known.join(" · ") : null;
}

function Sessions() {
  const t = useT();
  const now = useNow(30_000);
  const sessions = useResource("sessions", async () => (await api.get<Page<Session>>("/sessions", { limit: 100 })).items);
  const { error, run } = useSubmit();
  const { value } = sessions;
  if (!value) return sessions.error ? <Failed error={sessions.error} retry={sessions.reload} /> : <Loading rows={1} />;
  return (
    <Section title={t("settings.sessions")}>
      <Rows>
        {value.map((session) => (
          <Row
            key={session.id}
            title={
              <>
                {browserOf(session.user_agent) ?? t("settings.sessions.unknown")}
                {session.current && <Chip tone="good">{t("settings.sessions.this")}</Chip>}
              </>
            }
            note={`${session.peer} · ${t("settings.sessions.seen", { when: ago(t, session.last_seen_at, now) })}`}
          >
            {!session.current && <Button onClick={() => void run(() => api.delete(`/sessions/${session.id}`).then(sessions.reload))}>{t("settings.sessions.end")}</Button>}
          </Row>
        ))}
      </Rows>
      {value.length > 1 && (
        <Button look="danger" className="mt-3" onClick={() => void run(() => api.delete("/sessions").then(sessions.reload))}>
          {t("settings.sessions.others")}
        </Button>
      )}
      <FormError>{error ? sayError(t, error) : null}</FormError>
    </Section>
  );
}
