import { useState } from "react";
import { Link, Redirect, useLocation, useSearchParams } from "wouter";
import { api, ApiError } from "../api/client";
import type { Me } from "../api/types";
import { useT } from "../store/language";
import { useMe } from "../store/me";
import { useSite } from "../store/site";
import { useSubmit } from "../store/submit";
import { Button } from "../ui/button";
import { FormError, PasswordField, TextField } from "../ui/form";
import { Shell } from "../ui/shell";
import { sayError } from "../ui/states";
import { useTitle } from "../ui/title";
import { nextPage } from "./next";

/** `/login`: name and password; `?next=` is one of our own pages. */
export function Login() {
  const t = useT();
  useTitle(t("login.title"));
  const { me, setMe } = useMe();
  const [, navigate] = useLocation();
  const [search] = useSearchParams();
  const next = nextPage(search.get("next"));
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const { value: site } = useSite();
  const { busy, error, run } = useSubmit();
  if (me && !busy) return <Redirect to={next} replace />;
  const submit = () =>
    run(async () => {
      setMe(await api.post<Me>("/sessions", { name, password }));
      navigate(next, { replace: true });
    });
  return (
    <Shell>
      <form
        className="mx-auto flex max-w-[380px] flex-col gap-4 py-6 md:py-12"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <h1 className="mb-2 text-xl font-bold tracking-tight">{t("login.title")}</h1>
        <TextField label={t("login.name")} value={name} onText={setName} autoComplete="username" autoCapitalize="none" required autoFocus />
        <PasswordField label={t("login.password")} value={password} onText={setPassword} autoComplete="current-password" required />
        <FormError>{error ? sayLogin(error) : null}</FormError>
        <Button look="primary" type="submit" disabled={busy || name === "" || password === ""} className="mt-1 md:h-11">
          {t("login.do")}
        </Button>
        {site?.sign_up && (
          <p className="text-m text-ink-2">
            {t("signup.new")}{" "}
            <Link href={`/signup?next=${encodeURIComponent(search.get("next") ?? "/")}`} className="inline-flex min-h-11 items-center font-semibold text-link underline md:min-h-0">
              {t("signup.title")}
            </Link>
          </p>
        )}
        <p className="text-s text-ink-3">{t("login.help")}</p>
      </form>
    </Shell>
  );

  function sayLogin(failure: unknown): string {
    if (!(failure instanceof ApiError)) return sayError(t, failure);
    if (failure.code === "disabled") return t("login.disabled");
    return failure.status === 401 || failure.status === 403 || failure.status === 422 ? t("login.wrong") : sayError(t, failure);
  }
}
