import { RefreshCw } from "lucide-react";
import { useState } from "react";
import { api } from "../api/client";
import type { components } from "../api/schema";
import { useT } from "../store/language";
import { useResource } from "../store/resource";
import { Button } from "../ui/button";
import { CopyButton } from "../ui/copy";
import { Section } from "../ui/section";
import { Failed, Loading, sayError } from "../ui/states";

type Addresses = components["schemas"]["Overlay"];
const WIDGETS = ["all", "chat", "alerts", "goal", "effects"] as const;
const TRIED = ["alerts", "effects"] as const;

/** The secret addresses for OBS, and buttons that try them out. */
export function OverlayPanel({ slug }: { slug: string }) {
  const t = useT();
  const found = useResource<Addresses>(slug, () => api.get(`/channels/${slug}/overlay`));
  const [told, setTold] = useState("");
  const act = async (deed: () => Promise<unknown>) => {
    try {
      await deed();
      setTold(t("overlay.tried"));
    } catch (error) {
      setTold(sayError(t, error));
    }
  };
  const turn = async () => {
    try {
      found.put(await api.post<Addresses>(`/channels/${slug}/overlay/turn`, {}));
      setTold(t("overlay.turn.text"));
    } catch (error) {
      setTold(sayError(t, error));
    }
  };
  return (
    <Section title={t("overlay.title")}>
      <p className="mb-3 max-w-[60ch] text-m text-ink-2">{t("overlay.lead")}</p>
      {found.error ? (
        <Failed error={found.error} retry={found.reload} />
      ) : !found.value ? (
        <Loading />
      ) : (
        <ul className="flex flex-col gap-2">
          {WIDGETS.map((widget) => (
            <li key={widget} className="flex min-h-12 items-center gap-3 rounded-m bg-surface pl-4">
              <span className="w-20 shrink-0 text-m font-semibold">{t(`overlay.${widget}`)}</span>
              {/* The secret is not shown: a studio is often on the stream itself. */}
              <span className="min-w-0 flex-1 truncate text-s text-ink-2">••••••••</span>
              <CopyButton what={t(`overlay.${widget}`)} text={found.value?.urls[widget] ?? ""} />
            </li>
          ))}
        </ul>
      )}
      <div className="mt-3 flex flex-wrap items-center gap-2">
        {TRIED.map((widget) => (
          <Button key={widget} onClick={() => void act(() => api.post(`/channels/${slug}/overlay/test`, { widget, text: t("overlay.try") }))}>
            {t("overlay.try")}: {t(`overlay.${widget}`)}
          </Button>
        ))}
        <Button look="quiet" icon={<RefreshCw size={16} aria-hidden />} onClick={() => void turn()}>
          {t("overlay.turn")}
        </Button>
        <p role="status" className="text-s text-ink-2">
          {told}
        </p>
      </div>
    </Section>
  );
}
