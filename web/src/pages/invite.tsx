import { useState } from "react";
import { useLocation } from "wouter";
import { api, ApiError } from "../api/client";
import type { Link, Me } from "../api/types";
import type { Key } from "../i18n";
import { dateTime } from "../i18n/moments";
import { useLanguage, useT } from "../store/language";
import { useMe } from "../store/me";
import { useResource } from "../store/resource";
import { useSubmit } from "../store/submit";
import { Button, ButtonLink } from "../ui/button";
import { sayFault } from "../ui/faults";
import { FormError, PasswordField, TextField } from "../ui/form";
import { Mark } from "../ui/marks";
import { Shell } from "../ui/shell";
import { Failed, Loading, Notice, sayError } from "../ui/states";
import { useTitle } from "../ui/title";

/** `/invite/{token}`: the first admin's link, an invitation, or a forgotten password; each works once. */
export function Invite() {
  const t = useT();
  const [path] = useLocation();
  const token = path.split("/")[2] ?? "";
  const link = useResource<Link>(token, () => api.get(`/login/link/${encodeURIComponent(token)}`));
  useTitle(link.value ? t(`invite.${link.value.kind}`) : "");
  if (link.value) return <Join token={token} link={link.value} />;
  return (
    <Shell>
      {link.loading ? (
        <div className="mx-auto max-w-[380px]">
          <Loading />
        </div>
      ) : link.error instanceof ApiError && link.error.status === 404 ? (
        <Notice page icon={<Mark />} title={t("invite.gone")} action={<ButtonLink href="/login">{t("nav.login")}</ButtonLink>}>
          {t("invite.gone.text")}
        </Notice>
      ) : (
        <Failed page error={link.error} retry={link.reload} />
      )}
    </Shell>
  );
}

const verbs: Record<Link["kind"], Key> = { first: "invite.do", invitation: "invite.do", recovery: "invite.recovery.do" };
const texts: Record<Link["kind"], Key> = { first: "invite.first.text", invitation: "invite.invitation.text", recovery: "invite.recovery.text" };

function Join({ token, link }: { token: string; link: Link }) {
  const { t, language } = useLanguage();
  const { setMe } = useMe();
  const [, navigate] = useLocation();
  const [name, setName] = useState(link.name ?? "");
  const [display, setDisplay] = useState("");
  const [password, setPassword] = useState("");
  const { busy, error, fault, run } = useSubmit();
  const known = link.name !== null;
  const submit = () =>
    run(async () => {
      const body = known ? { password } : { name, password, ...(display ? { display_name: display } : {}) };
      setMe(await api.post<Me>(`/login/link/${encodeURIComponent(token)}`, body));
      navigate(link.kind === "recovery" ? "/" : "/studio/live", { replace: true });
    });
  const faults = sayFault(t, fault("name")) ?? sayFault(t, fault("password"));
  return (
    <Shell>
      <form
        className="mx-auto flex max-w-[400px] flex-col gap-4 py-6 md:py-12"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <div className="mb-1">
          <h1 className="text-xl font-bold tracking-tight">{t(`invite.${link.kind}`)}</h1>
          <p className="mt-2 text-ink-2">{t(texts[link.kind], { name: link.name ?? "" })}</p>
          {link.channel && link.channel_role && <p className="mt-1 text-ink-2">{t("invite.channel", { channel: link.channel, role: t(`role.${link.channel_role}`) })}</p>}
        </div>
        {known ? (
          <input type="hidden" name="username" autoComplete="username" value={name} readOnly />
        ) : (
          <>
            <TextField label={t("invite.name")} value={name} onText={setName} autoComplete="username" autoCapitalize="none" maxLength={64} required autoFocus error={sayFault(t, fault("name"))} />
            <TextField label={`${t("invite.display")} (${t("optional")})`} value={display} onText={setDisplay} autoComplete="nickname" maxLength={64} />
          </>
        )}
        <PasswordField
          label={t("invite.password")}
          value={password}
          onText={setPassword}
          autoComplete="new-password"
          minLength={8}
          required
          hint={t("password.short")}
          error={sayFault(t, fault("password"))}
        />
        <FormError>{error && !faults ? sayError(t, error) : null}</FormError>
        <Button look="primary" type="submit" disabled={busy || password.length < 8 || name === ""} className="mt-1 md:h-11">
          {t(verbs[link.kind])}
        </Button>
        <p className="text-s text-ink-3">{t("invite.expires", { when: dateTime(language, link.expires_at) })}</p>
      </form>
    </Shell>
  );
}
