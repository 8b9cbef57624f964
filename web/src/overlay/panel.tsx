import { FlaskConical, RefreshCw } from "lucide-react";
import { useState } from "react";
import { api } from "../api/client";
import type { components } from "../api/schema";
import { useT } from "../store/language";
import { useSubmit } from "../store/submit";
import { Button } from "../ui/button";
import { Confirm } from "../ui/confirm";
import { CopyButton } from "../ui/copy";
import { FormError } from "../ui/form";
import { Section } from "../ui/section";
import { sayError } from "../ui/states";

type Addresses = components["schemas"]["Overlay"];
const WIDGETS = ["all", "chat", "alerts", "goal", "effects"] as const;

/** The secret addresses for OBS, and buttons that try them out. */
export function OverlayPanel({ slug, overlay, onTurned }: { slug: string; overlay: Addresses; onTurned: (overlay: Addresses) => void }) {
  const t = useT();
  const path = `/channels/${encodeURIComponent(slug)}/overlay`;
  const [told, setTold] = useState("");
  const [asking, setAsking] = useState(false);
  const { busy, error, run } = useSubmit();
  const tryOut = (widget: string) => {
    setTold("");
    void run(() => api.post(`${path}/test`, { widget, text: t("overlay.try") })).then((done) => done && setTold(t("overlay.tried")));
  };
  const turn = async () => {
    onTurned(await api.post<Addresses>(`${path}/turn`, {}));
    setTold(t("overlay.turned"));
  };
  return (
    <Section title={t("overlay.title")}>
      <p className="-mt-1.5 mb-3 max-w-[60ch] text-m text-ink-2">{t("overlay.lead")}</p>
      <ul className="flex flex-col gap-2">
        {WIDGETS.map((widget) => (
          <li key={widget} className="flex min-h-12 items-center gap-2 rounded-m bg-surface pr-1 pl-4">
            <span className="w-20 shrink-0 text-m font-semibold">{t(`overlay.${widget}`)}</span>
            {/* The secret is not shown: a studio is often on the stream itself. */}
            <span aria-hidden className="min-w-0 flex-1 truncate text-s text-ink-3">
              ••••••••••••
            </span>
            {widget !== "all" && (
              <Button look="quiet" disabled={busy} icon={<FlaskConical size={16} aria-hidden />} aria-label={`${t("overlay.try")}: ${t(`overlay.${widget}`)}`} onClick={() => tryOut(widget)}>
                {t("overlay.try")}
              </Button>
            )}
            <CopyButton what={t(`overlay.${widget}`)} text={overlay.urls[widget] ?? ""} />
          </li>
        ))}
      </ul>
      <div className="mt-3 flex flex-wrap items-center gap-3">
        <Button look="quiet" icon={<RefreshCw size={16} aria-hidden />} onClick={() => setAsking(true)}>
          {t("overlay.turn")}
        </Button>
        <p role="status" className="text-s text-ink-2">
          {told}
        </p>
        <FormError>{error ? sayError(t, error) : null}</FormError>
      </div>
      <Confirm open={asking} onClose={() => setAsking(false)} title={t("overlay.turn.title")} action={t("overlay.turn")} work={turn}>
        {t("overlay.turn.text")}
      </Confirm>
    </Section>
  );
}
