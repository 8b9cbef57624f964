import { Eye, EyeOff, QrCode } from "lucide-react";
import { Tabs } from "radix-ui";
import { useState } from "react";
import { api } from "../api/client";
import type { Channel, Page, StreamKey, StreamKeyValue } from "../api/types";
import { useT } from "../store/language";
import { useResource } from "../store/resource";
import { useSubmit } from "../store/submit";
import { Button, IconButton } from "../ui/button";
import { CodeField, CopyButton } from "../ui/copy";
import { Dialog } from "../ui/dialog";
import { FormError, SmallSelect } from "../ui/form";
import { useRecent } from "../ui/recent";
import { sayError } from "../ui/states";

const tab = "h-11 flex-1 rounded-[7px] text-m font-semibold text-ink-2 data-[state=active]:bg-raised data-[state=active]:text-ink md:h-[34px]";

/** Whether an encoder may still send with a key. */
export function usable(key: StreamKey, now: number): boolean {
  return key.revoked_at === null && (key.expires_at === null || Date.parse(key.expires_at) > now);
}

/** How to send: everything that OBS or ffmpeg asks for, with buttons that copy it. */
export function Send({ channel }: { channel: Channel }) {
  const t = useT();
  const base = `/channels/${channel.id}/keys`;
  const keys = useResource(`${channel.id} keys`, async () => (await api.get<Page<StreamKey>>(base, { limit: 100 })).items);
  const [chosen, setChosen] = useState<string | null>(null);
  const [shown, setShown] = useState<StreamKeyValue | null>(null);
  const [qr, setQr] = useState(false);
  const { error, run } = useSubmit();
  const { guard, dialog } = useRecent();
  const [now] = useState(() => Date.now());
  const good = (keys.value ?? []).filter((key) => usable(key, now));
  const key = good.find((each) => each.id === chosen) ?? good.find((each) => each.live) ?? good.at(-1) ?? null;
  const value = shown && shown.id === key?.id ? shown.value : null;
  const { publish } = channel;
  if (!publish) return null;

  const fetchValue = async (): Promise<string | null> => {
    if (value !== null || !key) return value;
    let answer: StreamKeyValue | null = null;
    await run(async () => {
      answer = await guard(() => api.post<StreamKeyValue>(`${base}/${key.id}/reveal`));
    });
    return (answer as StreamKeyValue | null)?.value ?? null;
  };
  const reveal = () =>
    run(async () => {
      if (value !== null || !key) setShown(null);
      else setShown(await guard(() => api.post<StreamKeyValue>(`${base}/${key.id}/reveal`)));
    });
  const create = () =>
    run(async () => {
      setShown(await api.post<StreamKeyValue>(base, {}));
      keys.reload();
    });
  const nameOf = (each: StreamKey) => each.name || t("go.key.unnamed", { mask: each.mask });
  const keyField = key ? (
    <>
      {good.length > 1 && (
        <div className="mt-1 flex items-center gap-3 pl-3.5">
          <span className="w-16 shrink-0 text-xs text-ink-3">{t("go.key.which")}</span>
          <span className="min-w-0 flex-1">
            <SmallSelect label={t("go.key.which")} value={key.id} options={good.map((each) => [each.id, nameOf(each)])} onPick={setChosen} />
          </span>
        </div>
      )}
    <CodeField label={t("go.key")} value={value ?? `${key.mask.replace("…", "")}${"•".repeat(16)}`} whole={value !== null}>
      <IconButton label={t(value === null ? "go.reveal" : "go.hide")} aria-pressed={value !== null} onClick={() => void reveal()}>
        {value === null ? <Eye size={18} aria-hidden /> : <EyeOff size={18} aria-hidden />}
      </IconButton>
      <CopyButton what={t("go.key")} fetchText={fetchValue} />
    </CodeField>
    </>
  ) : (
    keys.value && (
      <div className="flex min-h-11 flex-wrap items-center gap-3 rounded-m bg-surface px-3.5 py-2 text-m">
        <span className="flex-1 text-ink-2">{t("go.key.none")}</span>
        <Button look="primary" onClick={() => void create()}>
          {t("go.key.create")}
        </Button>
      </div>
    )
  );
  const command = publish.ffmpeg.replace("STREAM_KEY", value ?? (key ? key.mask : "STREAM_KEY"));
  return (
    <section>
      <h2 className="mb-2.5 text-m font-semibold text-ink-2">{t("go.how")}</h2>
      <Tabs.Root defaultValue="obs">
        <Tabs.List aria-label={t("go.how")} className="mb-3.5 flex gap-1 rounded-m bg-surface p-1">
          <Tabs.Trigger value="obs" className={tab}>
            {t("go.tab.obs")}
          </Tabs.Trigger>
          <Tabs.Trigger value="ffmpeg" className={tab}>
            {t("go.tab.ffmpeg")}
          </Tabs.Trigger>
        </Tabs.List>
        <Tabs.Content value="obs" className="flex flex-col gap-2">
          <CodeField label={t("go.server")} value={publish.rtmp}>
            <CopyButton what={t("go.server")} text={publish.rtmp} />
          </CodeField>
          {publish.rtmps && (
            <CodeField label={t("go.server.secure")} value={publish.rtmps}>
              <CopyButton what={t("go.server.secure")} text={publish.rtmps} />
            </CodeField>
          )}
          {keyField}
          <p className="mt-1 text-s text-ink-2">{t("go.obs.text")}</p>
        </Tabs.Content>
        <Tabs.Content value="ffmpeg" className="flex flex-col gap-2">
          <div className="relative rounded-m border border-line bg-surface py-3 pr-12 pl-3.5">
            <code className="block font-mono text-s">{command}</code>
            <span className="absolute top-0.5 right-1">
              <CopyButton
                what={t("go.command")}
                fetchText={async () => {
                  const secret = await fetchValue();
                  return secret === null ? null : publish.ffmpeg.replace("STREAM_KEY", secret);
                }}
              />
            </span>
          </div>
          {keyField}
          <p className="mt-1 text-s text-ink-2">{t("go.ffmpeg.text")}</p>
        </Tabs.Content>
      </Tabs.Root>
      <div className="mt-3.5">
        <CodeField label={t("go.watch")} value={channel.urls.watch.replace(/^https?:\/\//, "")}>
          <IconButton label={t("go.qr")} onClick={() => setQr(true)}>
            <QrCode size={18} aria-hidden />
          </IconButton>
          <CopyButton what={t("go.watch")} text={channel.urls.watch} />
        </CodeField>
      </div>
      <FormError>{error ? sayError(t, error) : null}</FormError>
      <Dialog open={qr} onClose={() => setQr(false)} title={t("go.qr")}>
        <img src={`/api/v1/channels/${channel.slug}/qr.svg`} alt={t("go.qr")} className="mx-auto w-full max-w-[300px] rounded-m bg-white" />
        <p className="mt-3 text-center text-m break-all text-ink-2">{channel.urls.watch}</p>
      </Dialog>
      {dialog}
    </section>
  );
}
