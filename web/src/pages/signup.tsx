import { useState } from "react";
import { Link, Redirect, useLocation, useSearchParams } from "wouter";
import { api, ApiError } from "../api/client";
import type { Me } from "../api/types";
import { useT } from "../store/language";
import { useMe } from "../store/me";
import { useSite } from "../store/site";
import { useSubmit } from "../store/submit";
import { Button, ButtonLink } from "../ui/button";
import { sayFault } from "../ui/faults";
import { FormError, PasswordField, TextField } from "../ui/form";
import { Shell } from "../ui/shell";
import { Failed, Loading, Notice, sayError } from "../ui/states";
import { useTitle } from "../ui/title";
import { nextPage } from "./next";

/** `/signup`: a viewer's account, where the settings allow it; `?next=` is one of our own pages. */
export function SignUp() {
  const t = useT();
  useTitle(t("signup.title"));
  const site = useSite();
  const { me } = useMe();
  const [search] = useSearchParams();
  const next = nextPage(search.get("next"));
  if (me) return <Redirect to={next} replace />;
  if (!site.value) return <Shell>{site.error ? <Failed page error={site.error} retry={site.reload} /> : <Loading />}</Shell>;
  return (
    <Shell>
      {site.value.sign_up ? (
        <Join next={next} />
      ) : (
        <Notice page title={t("signup.off")} action={<ButtonLink href="/login">{t("nav.login")}</ButtonLink>}>
          {t("signup.off.text")}
        </Notice>
      )}
    </Shell>
  );
}

function Join({ next }: { next: string }) {
  const t = useT();
  const { setMe } = useMe();
  const [, navigate] = useLocation();
  const [name, setName] = useState("");
  const [display, setDisplay] = useState("");
  const [password, setPassword] = useState("");
  const { busy, error, fault, run } = useSubmit();
  const submit = () =>
    run(async () => {
      setMe(await api.post<Me>("/sign-up", { name, password, ...(display ? { display_name: display } : {}) }));
      navigate(next, { replace: true });
    });
  const faults = sayFault(t, fault("name")) ?? sayFault(t, fault("display_name")) ?? sayFault(t, fault("password"));
  return (
    <form
      className="mx-auto flex max-w-[400px] flex-col gap-4 py-6 md:py-12"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <div className="mb-1">
        <h1 className="text-xl font-bold tracking-tight">{t("signup.title")}</h1>
        <p className="mt-2 text-ink-2">{t("signup.text")}</p>
      </div>
      <TextField label={t("invite.name")} value={name} onText={setName} autoComplete="username" autoCapitalize="none" maxLength={64} required autoFocus error={sayFault(t, fault("name"))} />
      <TextField label={`${t("invite.display")} (${t("optional")})`} value={display} onText={setDisplay} autoComplete="nickname" maxLength={64} error={sayFault(t, fault("display_name"))} />
      <PasswordField label={t("invite.password")} value={password} onText={setPassword} autoComplete="new-password" minLength={8} required hint={t("password.short")} error={sayFault(t, fault("password"))} />
      <FormError>{error && !faults ? (error instanceof ApiError && error.code === "sign_up_off" ? t("signup.off.text") : sayError(t, error)) : null}</FormError>
      <Button look="primary" type="submit" disabled={busy || password.length < 8 || name === ""} className="mt-1 md:h-11">
        {t("signup.do")}
      </Button>
      <p className="text-m text-ink-2">
        {t("signup.have")}{" "}
        <Link href={`/login?next=${encodeURIComponent(next)}`} className="inline-flex min-h-11 items-center font-semibold text-link underline md:min-h-0">
          {t("nav.login")}
        </Link>
      </p>
    </form>
  );
}
