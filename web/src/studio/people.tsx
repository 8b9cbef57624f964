import { X } from "lucide-react";
import { useState } from "react";
import { api } from "../api/client";
import type { ChannelRole, Member } from "../api/types";
import { useT } from "../store/language";
import { useMe } from "../store/me";
import { useListing } from "../store/pages";
import { useSubmit } from "../store/submit";
import { Button, IconButton } from "../ui/button";
import { sayFault } from "../ui/faults";
import { FormError, SelectField, SmallSelect, TextField } from "../ui/form";
import { ListOf } from "../ui/listing";
import { Avatar } from "../ui/marks";
import { PageHead, Row, Section } from "../ui/section";
import { Failed, Loading, sayError } from "../ui/states";

const given: ChannelRole[] = ["broadcaster", "manager", "vip", "subscriber", "viewer"];
const hints = { owner: "people.hint.owner", broadcaster: "people.hint.broadcaster", manager: "people.hint.manager", viewer: "people.hint.viewer" } as const;

function roleOf(text: string): ChannelRole {
  return given.find((role) => role === text) ?? "viewer";
}

/** `/studio/people`: who has which role in the channel. */
export function PeopleRoom({ slug }: { slug: string }) {
  const t = useT();
  const { me } = useMe();
  const base = `/channels/${encodeURIComponent(slug)}/members`;
  const members = useListing<Member>(base);
  const { busy, error, run } = useSubmit();
  if (!members.items) return members.error ? <Failed page error={members.error} retry={members.reload} /> : <Loading />;
  const owner = me?.account.role === "admin" || members.items.some((member) => member.role === "owner" && member.account.id === me?.account.id);
  const row = ({ account, role }: Member) => {
    const name = account.display_name || account.name;
    const hint = role in hints ? t(hints[role as keyof typeof hints]) : account.name;
    return (
      <Row key={account.id} lead={<Avatar name={name} url={account.avatar_url} size="m" />} title={name} note={hint}>
        {owner && role !== "owner" ? (
          <>
            <SmallSelect
              label={t("people.role.of", { name })}
              value={role}
              disabled={busy}
              options={given.map((each) => [each, t(`role.${each}`)])}
              onPick={(value) => void run(() => api.put(`${base}/${account.id}`, { role: roleOf(value) }).then(members.reload))}
            />
            <IconButton label={t("people.remove", { name })} onClick={() => void run(() => api.delete(`${base}/${account.id}`).then(members.reload))}>
              <X size={18} aria-hidden />
            </IconButton>
          </>
        ) : (
          <span className="text-m text-ink-2">{t(`role.${role}`)}</span>
        )}
      </Row>
    );
  };
  return (
    <div className="max-w-[760px]">
      <PageHead title={t("people.title")} text={t("people.text")} />
      <FormError>{error ? sayError(t, error) : null}</FormError>
      <ListOf list={members} row={row} empty={null} />
      {owner && <Add base={base} onAdded={members.reload} />}
    </div>
  );
}

function Add({ base, onAdded }: { base: string; onAdded: () => void }) {
  const t = useT();
  const [name, setName] = useState("");
  const [role, setRole] = useState<ChannelRole>("manager");
  const { busy, error, fault, run } = useSubmit();
  const submit = async () => {
    if (!(await run(() => api.post(base, { name, role })))) return;
    setName("");
    onAdded();
  };
  return (
    <div className="mt-8">
      <Section title={t("people.add")}>
        <form
          className="flex flex-wrap items-start gap-3"
          onSubmit={(event) => {
            event.preventDefault();
            void submit();
          }}
        >
          <div className="flex-[2_1_220px]">
            <TextField label={t("people.name")} value={name} onText={setName} autoCapitalize="none" required error={sayFault(t, fault("name"))} />
          </div>
          <div className="flex-[1_1_150px]">
            <SelectField label={t("people.role")} value={role} options={given.map((each) => [each, t(`role.${each}`)])} onPick={(value) => setRole(roleOf(value))} />
          </div>
          <Button look="primary" type="submit" className="mt-[27px] md:h-11" disabled={busy || name === ""}>
            {t("people.add.do")}
          </Button>
        </form>
        <div className="mt-3">
          <FormError>{error && !fault("name") ? sayError(t, error) : null}</FormError>
        </div>
      </Section>
    </div>
  );
}
