import { Download } from "lucide-react";
import { useState } from "react";
import { useLocation } from "wouter";
import { api, ApiError } from "../api/client";
import type { Translate } from "../i18n";
import { useT } from "../store/language";
import { useMe } from "../store/me";
import { useSubmit } from "../store/submit";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { FormError, PasswordField } from "../ui/form";
import { Section } from "../ui/section";
import { sayError } from "../ui/states";

function sayRefusal(t: Translate, error: unknown): string {
  const code = error instanceof ApiError ? error.code : "";
  if (code === "last_admin") return t("leave.last_admin");
  if (code === "owns_channels") return t("leave.owns_channels");
  return sayError(t, error);
}

/** The end of an account: its data to take along, and its deletion. */
export function Leave() {
  const t = useT();
  const { setMe } = useMe();
  const [, navigate] = useLocation();
  const [asking, setAsking] = useState(false);
  const [password, setPassword] = useState("");
  const { busy, error, run, clear } = useSubmit();
  const wrong = error instanceof ApiError && error.code === "wrong_password";
  const close = () => {
    setAsking(false);
    setPassword("");
    clear();
  };
  const leave = async () => {
    if (!(await run(() => api.post("/me/deletion", { password })))) return;
    setMe(null);
    navigate("/", { replace: true });
  };
  return (
    <Section title={t("leave.title")}>
      <div className="flex flex-wrap items-center gap-3">
        <p className="min-w-0 flex-[1_1_280px] text-m text-ink-2">{t("leave.export.text")}</p>
        <a
          href="/api/v1/me/export"
          download="madang-account.json"
          className="inline-flex h-11 shrink-0 items-center gap-2 rounded-full bg-raised px-4 text-m font-semibold transition hover:brightness-110 md:h-9"
        >
          <Download size={16} aria-hidden />
          {t("leave.export")}
        </a>
      </div>
      <div className="mt-4 flex flex-wrap items-center gap-3 border-t border-line pt-4">
        <p className="min-w-0 flex-[1_1_280px] text-m text-ink-2">{t("leave.text")}</p>
        <Button look="danger" onClick={() => setAsking(true)}>
          {t("leave.do")}
        </Button>
      </div>
      <Dialog open={asking} onClose={close} title={t("leave.sure")}>
        <form
          className="flex flex-col gap-4"
          onSubmit={(event) => {
            event.preventDefault();
            void leave();
          }}
        >
          <p className="text-ink-2">{t("leave.sure.text")}</p>
          <PasswordField label={t("login.password")} value={password} onText={setPassword} autoComplete="current-password" required autoFocus error={wrong ? t("password.wrong") : null} />
          <FormError>{error && !wrong ? sayRefusal(t, error) : null}</FormError>
          <div className="flex justify-end gap-2">
            <Button look="quiet" onClick={close}>
              {t("cancel")}
            </Button>
            <Button look="live" type="submit" disabled={busy || password === ""}>
              {t("leave.do")}
            </Button>
          </div>
        </form>
      </Dialog>
    </Section>
  );
}
