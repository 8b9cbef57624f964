import { useState } from "react";
import { api, ApiError } from "../api/client";
import type { Account, Me, OneTimeLink } from "../api/types";
import type { Translate } from "../i18n";
import { ago, dateTime } from "../i18n/moments";
import { useNow } from "../store/clock";
import { useLanguage } from "../store/language";
import { useListing } from "../store/pages";
import { useSubmit } from "../store/submit";
import { Button } from "../ui/button";
import { Confirm } from "../ui/confirm";
import { CodeField, CopyButton } from "../ui/copy";
import { Dialog } from "../ui/dialog";
import { FormError, SmallSelect } from "../ui/form";
import { ListOf } from "../ui/listing";
import { Avatar, Chip } from "../ui/marks";
import { useRecent } from "../ui/recent";
import { PageHead, Row } from "../ui/section";
import { sayError } from "../ui/states";

function sayRefusal(t: Translate, error: unknown): string | null {
  if (!(error instanceof ApiError)) return null;
  if (error.code === "last_admin") return t("users.last_admin");
  return error.code === "owns_channels" ? t("users.owns_channels") : null;
}

/** Who has an account: roles, one-time links, disabling, deletion. */
export function UsersRoom({ me }: { me: Me }) {
  const { t, language } = useLanguage();
  const now = useNow(30_000);
  const users = useListing<Account>("/users");
  const [deleted, setDeleted] = useState<Account | null>(null);
  const [link, setLink] = useState<{ name: string; link: OneTimeLink } | null>(null);
  const { busy, error, run } = useSubmit();
  const { guard, dialog } = useRecent();
  const change = (user: Account, body: { role?: string; disabled?: boolean }) => run(() => guard(() => api.patch(`/users/${user.id}`, body)).then(users.reload));
  const makeLink = (user: Account) =>
    run(async () => {
      const made = await guard(() => api.post<OneTimeLink>(`/users/${user.id}/link`));
      if (made) setLink({ name: user.display_name || user.name, link: made });
    });
  const row = (user: Account) => {
    const name = user.display_name || user.name;
    const self = user.id === me.account.id;
    return (
      <Row
        key={user.id}
        lead={<Avatar name={name} url={user.avatar_url} size="m" />}
        title={
          <>
            {name}
            {user.disabled && <Chip tone="bad">{t("users.disabled")}</Chip>}
          </>
        }
        note={`${user.name} · ${user.last_seen_at ? t("users.seen", { when: ago(t, user.last_seen_at, now) }) : t("users.unseen")}`}
      >
        <SmallSelect
          label={t("users.role.of", { name })}
          value={user.role}
          disabled={busy || self}
          options={[
            ["admin", t("role.admin")],
            ["member", t("role.member")],
          ]}
          onPick={(role) => void change(user, { role })}
        />
        {!user.disabled && <Button onClick={() => void makeLink(user)}>{t("users.link")}</Button>}
        {!self && (
          <>
            <Button look="quiet" onClick={() => void change(user, { disabled: !user.disabled })}>
              {t(user.disabled ? "users.enable" : "users.disable")}
            </Button>
            <Button look="danger" onClick={() => setDeleted(user)}>
              {t("users.delete")}
            </Button>
          </>
        )}
      </Row>
    );
  };
  return (
    <div className="max-w-[920px]">
      <PageHead title={t("admin.users")} />
      <FormError>{error ? (sayRefusal(t, error) ?? sayError(t, error)) : null}</FormError>
      <ListOf list={users} row={row} empty={null} />
      {deleted && (
        <Confirm
          open
          title={t("users.delete.title", { name: deleted.display_name || deleted.name })}
          action={t("users.delete")}
          onClose={() => setDeleted(null)}
          say={(refused) => sayRefusal(t, refused)}
          work={() => guard(() => api.delete(`/users/${deleted.id}`)).then(users.reload)}
        >
          {t("users.delete.text")}
        </Confirm>
      )}
      {link && (
        <Dialog open title={t("users.link.title", { name: link.name })} onClose={() => setLink(null)}>
          <CodeField label={t("share.link")} value={link.link.url}>
            <CopyButton what={t("share.link")} text={link.link.url} />
          </CodeField>
          <p className="mt-3 text-m text-ink-2">{t("users.link.text", { when: dateTime(language, link.link.expires_at) })}</p>
        </Dialog>
      )}
      {dialog}
    </div>
  );
}
