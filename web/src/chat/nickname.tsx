import { useState } from "react";
import { useT } from "../store/language";
import { usePreferences } from "../store/preferences";
import { useSubmit } from "../store/submit";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { TextField } from "../ui/form";
import { sayRefusal } from "./say";
import { refusalIn, useRoom, useStore } from "./store";

/** A guest says what to be called; the server says whether that name is free. */
export function Nickname({ open, onClose, onNamed }: { open: boolean; onClose: () => void; onNamed: (name: string) => void }) {
  const t = useT();
  const store = useStore();
  const { settings } = useRoom();
  const [name, setName] = useState(usePreferences().nick ?? "");
  const { busy, error, run } = useSubmit();
  const refusal = refusalIn(error);
  const submit = async () => {
    let taken = name.trim();
    const done = await run(async () => {
      taken = ((await store.call("chat.nick", { nick: taken })) as { name: string }).name;
    });
    if (!done) return;
    store.named(taken);
    onNamed(taken);
  };
  return (
    <Dialog open={open} onClose={onClose} title={t("chat.nick.title")}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          event.stopPropagation();
          void submit();
        }}
      >
        <p className="text-ink-2">{t("chat.nick.text")}</p>
        {settings?.rules && (
          <p className="rounded-m bg-raised px-3.5 py-2.5 text-m whitespace-pre-line">
            <b className="font-semibold">{t("chat.rules")}</b>
            <br />
            {settings.rules}
          </p>
        )}
        <TextField label={t("chat.nick.label")} value={name} onText={setName} maxLength={32} required data-first autoComplete="nickname" error={refusal ? sayRefusal(t, refusal) : error ? t("chat.no.lost") : null} />
        <div className="flex flex-wrap items-center justify-end gap-2">
          <a href={`/login?next=${encodeURIComponent(location.pathname)}`} target={top === self ? undefined : "_blank"} rel="noopener" className="mr-auto inline-flex min-h-11 items-center text-m text-link underline underline-offset-2">
            {t("chat.nick.login")}
          </a>
          <Button look="primary" type="submit" disabled={busy || name.trim() === ""}>
            {t("chat.nick.do")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
