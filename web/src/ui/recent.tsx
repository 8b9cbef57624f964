import { useRef, useState, type ReactNode } from "react";
import { api, ApiError } from "../api/client";
import { useT } from "../store/language";
import { useSubmit } from "../store/submit";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { FormError, PasswordField } from "./form";
import { sayError } from "./states";

/**
 * For what needs a recent password: `guard(work)` runs it, and where the server wants the password first, asks and
 * runs it again. Answers null when somebody would rather not. `dialog` has to be drawn.
 */
export function useRecent(): { guard: <Result>(work: () => Promise<Result>) => Promise<Result | null>; dialog: ReactNode } {
  const t = useT();
  const [open, setOpen] = useState(false);
  const [password, setPassword] = useState("");
  const { busy, error, run, clear } = useSubmit();
  const settle = useRef<(given: boolean) => void>(() => undefined);

  const finish = (given: boolean) => {
    setOpen(false);
    setPassword("");
    clear();
    settle.current(given);
  };
  const guard = async <Result,>(work: () => Promise<Result>): Promise<Result | null> => {
    try {
      return await work();
    } catch (refused) {
      if (!(refused instanceof ApiError) || refused.code !== "password_required") throw refused;
    }
    const given = await new Promise<boolean>((resolve) => {
      settle.current = resolve;
      setOpen(true);
    });
    return given ? work() : null;
  };
  const wrong = error instanceof ApiError && error.code === "wrong_password";
  const dialog = (
    <Dialog open={open} onClose={() => finish(false)} title={t("password.confirm.title")}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          event.stopPropagation();
          void run(() => api.post("/sessions/confirm", { password })).then((done) => done && finish(true));
        }}
      >
        <p className="text-ink-2">{t("password.confirm.text")}</p>
        <PasswordField label={t("login.password")} value={password} onText={setPassword} autoComplete="current-password" required autoFocus error={wrong ? t("password.wrong") : null} />
        <FormError>{error && !wrong ? sayError(t, error) : null}</FormError>
        <div className="flex justify-end gap-2">
          <Button look="quiet" onClick={() => finish(false)}>
            {t("cancel")}
          </Button>
          <Button look="primary" type="submit" disabled={busy || password === ""}>
            {t("password.confirm.do")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
  return { guard, dialog };
}
