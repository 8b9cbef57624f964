import { MailPlus } from "lucide-react";
import { useState } from "react";
import { api } from "../api/client";
import type { Channel, ChannelRole, Invitation, InvitationCreate, Page, SiteRole } from "../api/types";
import { dateTime } from "../i18n/moments";
import { useLanguage, useT } from "../store/language";
import { useListing } from "../store/pages";
import { useResource } from "../store/resource";
import { useSubmit } from "../store/submit";
import { Button } from "../ui/button";
import { CodeField, CopyButton } from "../ui/copy";
import { Dialog } from "../ui/dialog";
import { FormError, SelectField, TextField } from "../ui/form";
import { ListOf } from "../ui/listing";
import { PageHead, Row } from "../ui/section";
import { Notice, sayError } from "../ui/states";

const roles: ChannelRole[] = ["broadcaster", "manager", "vip", "subscriber", "viewer"];
const DAY = 86_400;

/** Links that let one person in each. */
export function InvitationsRoom() {
  const { t, language } = useLanguage();
  const open = useListing<Invitation>("/invitations");
  const [inviting, setInviting] = useState(false);
  const [made, setMade] = useState<Invitation | null>(null);
  const { error, run } = useSubmit();
  const row = (each: Invitation) => (
    <Row
      key={each.id}
      title={each.note || t("invitations.someone")}
      note={[
        t(`role.${each.role}`),
        each.channel && `@${each.channel}${each.channel_role ? ` (${t(`role.${each.channel_role}`)})` : ""}`,
        t("invitations.until", { when: dateTime(language, each.expires_at) }),
      ]
        .filter(Boolean)
        .join(" · ")}
    >
      <Button look="danger" onClick={() => void run(() => api.delete(`/invitations/${each.id}`).then(open.reload))}>
        {t("invitations.withdraw")}
      </Button>
    </Row>
  );
  return (
    <div className="max-w-[820px]">
      <PageHead title={t("admin.invitations")} text={t("invitations.empty.text")}>
        <Button look="primary" icon={<MailPlus size={18} aria-hidden />} onClick={() => setInviting(true)}>
          {t("invitations.new")}
        </Button>
      </PageHead>
      <FormError>{error ? sayError(t, error) : null}</FormError>
      <ListOf list={open} row={row} empty={<Notice title={t("invitations.empty")} />} />
      {inviting && (
        <Invite
          onClose={() => setInviting(false)}
          onMade={(invitation) => {
            setInviting(false);
            setMade(invitation);
            open.reload();
          }}
        />
      )}
      {made?.url && (
        <Dialog open title={t("invitations.made")} onClose={() => setMade(null)}>
          <CodeField label={t("share.link")} value={made.url}>
            <CopyButton what={t("share.link")} text={made.url} />
          </CodeField>
          <p className="mt-3 text-m text-ink-2">{t("invitations.made.text")}</p>
        </Dialog>
      )}
    </div>
  );
}

function Invite({ onClose, onMade }: { onClose: () => void; onMade: (invitation: Invitation) => void }) {
  const t = useT();
  const [role, setRole] = useState<SiteRole>("member");
  const [channel, setChannel] = useState("");
  const [channelRole, setChannelRole] = useState<ChannelRole>("broadcaster");
  const [note, setNote] = useState("");
  const [days, setDays] = useState("7");
  const channels = useResource("all channels", async () => (await api.get<Page<Channel>>("/channels", { show: "all", limit: 100 })).items);
  const { busy, error, run } = useSubmit();
  const submit = () =>
    run(async () => {
      const body: Partial<InvitationCreate> = { role, note, expires_in_s: Number(days) * DAY, ...(channel ? { channel, channel_role: channelRole } : {}) };
      onMade(await api.post<Invitation>("/invitations", body));
    });
  return (
    <Dialog open title={t("invitations.new")} onClose={onClose}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <SelectField
          label={t("invitations.role")}
          value={role}
          options={[
            ["member", t("role.member")],
            ["admin", t("role.admin")],
          ]}
          onPick={(value) => setRole(value === "admin" ? "admin" : "member")}
        />
        <SelectField
          label={t("invitations.channel")}
          value={channel}
          options={[["", t("invitations.channel.none")], ...(channels.value ?? []).map((each) => [each.slug, each.name] as const)]}
          onPick={setChannel}
        />
        {channel && (
          <SelectField
            label={t("invitations.channel_role")}
            value={channelRole}
            options={roles.map((each) => [each, t(`role.${each}`)])}
            onPick={(value) => setChannelRole(roles.find((each) => each === value) ?? "viewer")}
          />
        )}
        <SelectField label={t("invitations.expires")} value={days} options={["1", "7", "30"].map((each) => [each, t("days", { n: Number(each) })])} onPick={setDays} />
        <TextField label={`${t("invitations.note")} (${t("optional")})`} value={note} onText={setNote} maxLength={200} />
        <FormError>{error ? sayError(t, error) : null}</FormError>
        <Button look="primary" type="submit" disabled={busy} className="self-end">
          {t("invitations.do")}
        </Button>
      </form>
    </Dialog>
  );
}
