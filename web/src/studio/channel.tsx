import { useState } from "react";
import { useLocation } from "wouter";
import { api } from "../api/client";
import type { Channel } from "../api/types";
import { useT } from "../store/language";
import { useMe } from "../store/me";
import { useResource } from "../store/resource";
import { useSubmit } from "../store/submit";
import { Button } from "../ui/button";
import { Confirm } from "../ui/confirm";
import { sayFault } from "../ui/faults";
import { FormError, SelectField, TextField } from "../ui/form";
import { PageHead, Section } from "../ui/section";
import { Failed, Loading, sayError } from "../ui/states";
import { About } from "./about";

/** `/studio/channel`: what viewers see, address and technique, deletion. */
export function ChannelRoom({ slug }: { slug: string }) {
  const t = useT();
  const channel = useResource<Channel>(slug, () => api.get(`/channels/${encodeURIComponent(slug)}`));
  const found = channel.value;
  if (!found) return channel.error ? <Failed page error={channel.error} retry={channel.reload} /> : <Loading />;
  return (
    <div className="max-w-[620px]">
      <PageHead title={t("channel.title")} />
      <Section title={t("channel.about")}>
        <About channel={found} onSaved={channel.put} />
      </Section>
      {found.my_role === "owner" && (
        <>
          <Section title={t("channel.advanced")}>
            <Technique channel={found} onSaved={channel.put} />
          </Section>
          <Deletion channel={found} />
        </>
      )}
    </div>
  );
}

const windows = [0, 600, 1800, 3600, 7200, 14_400];
const waits = [0, 10, 20, 60, 120, 300];

function withOwn(choices: number[], own: number): number[] {
  return choices.includes(own) ? choices : [...choices, own].sort((a, b) => a - b);
}

function Technique({ channel, onSaved }: { channel: Channel; onSaved: (channel: Channel) => void }) {
  const t = useT();
  const { reload } = useMe();
  const [, navigate] = useLocation();
  const [name, setName] = useState(channel.name);
  const [slug, setSlug] = useState(channel.slug);
  const [preset, setPreset] = useState(channel.preset);
  const [dvr, setDvr] = useState(channel.dvr_window_s);
  const [wait, setWait] = useState(channel.reconnect_window_s);
  const [saved, setSaved] = useState(false);
  const { busy, error, fault, run } = useSubmit();
  const sayWindow = (seconds: number) => (seconds === 0 ? t("channel.f.dvr.none") : seconds < 3600 ? t("minutes", { n: seconds / 60 }) : t("hours", { n: seconds / 3600 }));
  const submit = async () => {
    setSaved(false);
    const changed = await run(async () => {
      const made = await api.patch<Channel>(`/channels/${channel.id}`, { name, slug, preset, dvr_window_s: dvr, reconnect_window_s: wait });
      onSaved(made);
      reload();
      if (made.slug !== channel.slug) navigate(`/studio/channel?channel=${made.slug}`, { replace: true });
    });
    setSaved(changed);
  };
  const told = fault("slug") ?? fault("name");
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <TextField label={t("channel.f.name")} value={name} onText={setName} maxLength={80} required error={sayFault(t, fault("name"))} />
      <TextField
        label={t("channel.f.slug")}
        value={slug}
        onText={(text) => setSlug(text.toLowerCase())}
        pattern="[a-z0-9][a-z0-9_\-]{0,63}"
        maxLength={64}
        required
        autoCapitalize="none"
        spellCheck={false}
        hint={`${location.host}/@${slug} · ${t("channel.f.slug.hint")}`}
        error={sayFault(t, fault("slug"))}
      />
      <SelectField
        label={t("channel.f.preset")}
        hint={t("channel.f.preset.hint")}
        value={preset}
        options={[
          ["standard", t("preset.standard")],
          ["low", t("preset.low")],
        ]}
        onPick={(value) => setPreset(value === "low" ? "low" : "standard")}
      />
      <div className="grid gap-4 sm:grid-cols-2">
        <SelectField label={t("channel.f.dvr")} value={String(dvr)} options={withOwn(windows, dvr).map((each) => [String(each), sayWindow(each)])} onPick={(value) => setDvr(Number(value))} />
        <SelectField
          label={t("channel.f.reconnect")}
          value={String(wait)}
          options={withOwn(waits, wait).map((each) => [String(each), t("seconds", { n: each })])}
          onPick={(value) => setWait(Number(value))}
        />
      </div>
      <FormError>{error && !told ? sayError(t, error) : null}</FormError>
      <div className="flex items-center gap-3">
        <Button look="primary" type="submit" disabled={busy}>
          {t("save")}
        </Button>
        <p role="status" className="text-m text-good">
          {saved ? t("saved") : ""}
        </p>
      </div>
    </form>
  );
}

function Deletion({ channel }: { channel: Channel }) {
  const t = useT();
  const { reload } = useMe();
  const [, navigate] = useLocation();
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState("");
  return (
    <Section title={t("channel.delete")}>
      <p className="mb-3 text-m text-ink-2">{t("channel.delete.text")}</p>
      <Button look="danger" onClick={() => setOpen(true)}>
        {t("channel.delete")}
      </Button>
      <Confirm
        open={open}
        title={t("channel.delete")}
        action={t("channel.delete.do")}
        disabled={typed !== channel.slug}
        onClose={() => setOpen(false)}
        work={async () => {
          await api.delete(`/channels/${channel.id}`, { confirm: typed });
          reload();
          navigate("/");
        }}
      >
        <p className="mb-4">{t("channel.delete.text")}</p>
        <TextField label={t("channel.delete.confirm", { slug: channel.slug })} value={typed} onText={setTyped} autoCapitalize="none" autoComplete="off" spellCheck={false} />
      </Confirm>
    </Section>
  );
}
