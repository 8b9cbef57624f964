import { useState } from "react";
import { api } from "../api/client";
import type { Channel, ChannelChange, Visibility } from "../api/types";
import { useT } from "../store/language";
import { useSubmit } from "../store/submit";
import { Button } from "../ui/button";
import { AreaField, FormError, SelectField, TextField } from "../ui/form";
import { sayError } from "../ui/states";

const visibilities: Visibility[] = ["public", "unlisted", "private"];

/** Title, category, description and visibility: what viewers see, changed while live too. */
export function About({ channel, onSaved, autoFocus }: { channel: Channel; onSaved: (channel: Channel) => void; autoFocus?: boolean }) {
  const t = useT();
  const [title, setTitle] = useState(channel.title);
  const [category, setCategory] = useState(channel.category);
  const [description, setDescription] = useState(channel.description);
  const [visibility, setVisibility] = useState<Visibility>(channel.visibility);
  const [saved, setSaved] = useState(false);
  const { busy, error, run } = useSubmit();
  const owner = channel.my_role === "owner";
  const submit = async () => {
    setSaved(false);
    const change: ChannelChange = { title, category, description, ...(visibility === channel.visibility ? {} : { visibility }) };
    if (await run(async () => onSaved(await api.patch<Channel>(`/channels/${channel.id}`, change)))) setSaved(true);
  };
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <TextField label={t("channel.f.title")} value={title} onText={setTitle} maxLength={140} {...(autoFocus ? { autoFocus: true } : {})} />
      <TextField label={t("channel.f.category")} value={category} onText={setCategory} maxLength={60} />
      <AreaField label={t("channel.f.description")} value={description} onText={setDescription} maxLength={5000} />
      <SelectField
        label={t("channel.f.visibility")}
        value={visibility}
        disabled={!owner}
        options={visibilities.map((each) => [each, t(`visibility.${each}`)])}
        onPick={(value) => setVisibility(visibilities.find((each) => each === value) ?? "public")}
      />
      <FormError>{error ? sayError(t, error) : null}</FormError>
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
