import { useState } from "react";
import { useLocation } from "wouter";
import { api, ApiError } from "../api/client";
import type { Channel } from "../api/types";
import { useT } from "../store/language";
import { useMe } from "../store/me";
import { useSubmit } from "../store/submit";
import { Button } from "../ui/button";
import { sayFault } from "../ui/faults";
import { FormError, TextField } from "../ui/form";
import { sayError } from "../ui/states";

/** First use: an address and a name, and one can go live. */
export function Create() {
  const t = useT();
  const { reload } = useMe();
  const [, navigate] = useLocation();
  const [slug, setSlug] = useState("");
  const [name, setName] = useState("");
  const { busy, error, fault, run } = useSubmit();
  const submit = () =>
    run(async () => {
      const made = await api.post<Channel>("/channels", { slug, ...(name ? { name } : {}) });
      reload();
      navigate(`/studio/live?channel=${made.slug}`);
    });
  const forbidden = error instanceof ApiError && error.status === 403;
  const told = sayFault(t, fault("slug")) ?? sayFault(t, fault("name"));
  return (
    <form
      className="mx-auto flex max-w-[440px] flex-col gap-4 px-4 py-8 md:py-14"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <div>
        <h1 className="text-xl font-bold tracking-tight">{t("new.title")}</h1>
        <p className="mt-2 text-ink-2">{t("new.text")}</p>
      </div>
      <TextField label={t("new.name")} value={name} onText={setName} maxLength={80} autoFocus error={sayFault(t, fault("name"))} />
      <TextField
        label={t("new.slug")}
        value={slug}
        onText={(text) => setSlug(text.toLowerCase())}
        pattern="[a-z0-9][a-z0-9_\-]{0,63}"
        maxLength={64}
        required
        autoCapitalize="none"
        spellCheck={false}
        hint={`${location.host}/@${slug || "…"} · ${t("new.slug.hint")}`}
        error={sayFault(t, fault("slug"))}
      />
      <FormError>{forbidden ? t("new.admins") : error && !told ? sayError(t, error) : null}</FormError>
      <Button look="primary" type="submit" disabled={busy || slug === ""} className="md:h-11">
        {t("new.do")}
      </Button>
    </form>
  );
}
