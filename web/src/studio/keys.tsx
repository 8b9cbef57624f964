import { Plus } from "lucide-react";
import { useState, type ReactNode } from "react";
import { api } from "../api/client";
import type { Page, StreamKey, StreamKeyValue } from "../api/types";
import type { Translate } from "../i18n";
import { ago, dateTime } from "../i18n/moments";
import { useNow } from "../store/clock";
import { useLanguage, useT } from "../store/language";
import { useResource } from "../store/resource";
import { useSubmit } from "../store/submit";
import { Button } from "../ui/button";
import { Confirm } from "../ui/confirm";
import { CodeField, CopyButton } from "../ui/copy";
import { Dialog } from "../ui/dialog";
import { FormError, SelectField, TextField } from "../ui/form";
import { Chip } from "../ui/marks";
import { useRecent } from "../ui/recent";
import { PageHead, Row, Rows, Section } from "../ui/section";
import { Failed, Loading, Notice, sayError } from "../ui/states";
import { usable } from "./send";

type Task = { kind: "create" } | { kind: "rename" | "rotate" | "revoke"; key: StreamKey } | { kind: "show"; value: StreamKeyValue };

const overlaps = [
  ["0", "keys.rotate.now"],
  ["3600", "keys.rotate.hour"],
  ["86400", "keys.rotate.day"],
  ["604800", "keys.rotate.week"],
] as const;

function nameOf(t: Translate, key: StreamKey): string {
  return key.name || t("go.key.unnamed", { mask: key.mask });
}

/** `/studio/keys`: several named keys; show, rename, rotate with overlap, revoke. */
export function KeysRoom({ slug }: { slug: string }) {
  const t = useT();
  const now = useNow(2000);
  const base = `/channels/${encodeURIComponent(slug)}/keys`;
  const keys = useResource(base, async () => (await api.get<Page<StreamKey>>(base, { limit: 100 })).items, { everyMs: 10_000 });
  const [task, setTask] = useState<Task | null>(null);
  const { error, run } = useSubmit();
  const { guard, dialog } = useRecent();
  if (!keys.value) return keys.error ? <Failed page error={keys.error} retry={keys.reload} /> : <Loading />;
  const good = keys.value.filter((key) => usable(key, now));
  const past = keys.value.filter((key) => !usable(key, now));
  const done = () => {
    setTask(null);
    keys.reload();
  };
  const reveal = (key: StreamKey) =>
    run(async () => {
      const value = await guard(() => api.post<StreamKeyValue>(`${base}/${key.id}/reveal`));
      if (value) setTask({ kind: "show", value });
    });
  return (
    <>
      <PageHead title={t("keys.title")} text={t("keys.text")}>
        <Button look="primary" icon={<Plus size={18} aria-hidden />} onClick={() => setTask({ kind: "create" })}>
          {t("keys.new")}
        </Button>
      </PageHead>
      <FormError>{error ? sayError(t, error) : null}</FormError>
      {good.length === 0 && <Notice title={t("keys.empty")}>{t("keys.empty.text")}</Notice>}
      <Rows>
        {good.map((key) => (
          <KeyRow key={key.id} item={key} now={now}>
            <Button onClick={() => void reveal(key)}>{t("keys.reveal")}</Button>
            <Button look="quiet" onClick={() => setTask({ kind: "rename", key })}>
              {t("keys.rename")}
            </Button>
            <Button look="quiet" onClick={() => setTask({ kind: "rotate", key })}>
              {t("keys.rotate")}
            </Button>
            <Button look="danger" onClick={() => setTask({ kind: "revoke", key })}>
              {t("keys.revoke")}
            </Button>
          </KeyRow>
        ))}
      </Rows>
      {past.length > 0 && (
        <div className="mt-8">
          <Section title={t("keys.past")}>
            <Rows>
              {past.map((key) => (
                <KeyRow key={key.id} item={key} now={now} />
              ))}
            </Rows>
          </Section>
        </div>
      )}
      {(task?.kind === "create" || task?.kind === "rename") && (
        <NameDialog
          title={task.kind === "create" ? t("keys.new") : t("keys.rename")}
          action={task.kind === "create" ? t("keys.create") : t("save")}
          first={task.kind === "rename" ? task.key.name : ""}
          onClose={() => setTask(null)}
          work={async (name) => {
            if (task.kind === "rename") {
              await api.patch(`${base}/${task.key.id}`, { name });
              done();
              return;
            }
            const value = await api.post<StreamKeyValue>(base, { name });
            done();
            setTask({ kind: "show", value });
          }}
        />
      )}
      {task?.kind === "rotate" && (
        <RotateDialog
          item={task.key}
          onClose={() => setTask(null)}
          work={async (overlap) => {
            const value = await api.post<StreamKeyValue>(`${base}/${task.key.id}/rotate`, { overlap_s: overlap });
            done();
            setTask({ kind: "show", value });
          }}
        />
      )}
      {task?.kind === "revoke" && (
        <Confirm
          open
          title={t("keys.revoke.title", { name: nameOf(t, task.key) })}
          action={t("keys.revoke")}
          onClose={() => setTask(null)}
          work={async () => {
            await api.delete(`${base}/${task.key.id}`);
            keys.reload();
          }}
        >
          {t("keys.revoke.text")}
        </Confirm>
      )}
      {task?.kind === "show" && (
        <Dialog open title={task.value.name || t("keys.made")} onClose={() => setTask(null)}>
          <CodeField label={t("go.key")} value={task.value.value} whole>
            <CopyButton what={t("go.key")} text={task.value.value} />
          </CodeField>
          <p className="mt-3 text-m text-ink-2">{t("keys.made.text")}</p>
        </Dialog>
      )}
      {dialog}
    </>
  );
}

function KeyRow({ item, now, children }: { item: StreamKey; now: number; children?: ReactNode }) {
  const { t, language } = useLanguage();
  const revoked = item.revoked_at !== null;
  return (
    <Row
      title={
        <>
          {nameOf(t, item)}
          {item.live && <Chip tone="good">{t("keys.live")}</Chip>}
          {revoked && <Chip>{t("keys.revoked")}</Chip>}
          {!revoked && item.expires_at && <Chip tone="warn">{t("keys.expires", { when: dateTime(language, item.expires_at) })}</Chip>}
        </>
      }
      note={
        <>
          <code className="font-mono">{item.mask}</code> · {item.last_used_at ? t("keys.used", { when: ago(t, item.last_used_at, now) }) : t("keys.unused")}
        </>
      }
    >
      {children}
    </Row>
  );
}

function NameDialog({ title, action, first, onClose, work }: { title: string; action: string; first: string; onClose: () => void; work: (name: string) => Promise<void> }) {
  const t = useT();
  const [name, setName] = useState(first);
  const { busy, error, run } = useSubmit();
  return (
    <Dialog open title={title} onClose={onClose}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void run(() => work(name));
        }}
      >
        <TextField label={t("keys.name")} hint={t("keys.name.hint")} value={name} onText={setName} maxLength={80} autoFocus required />
        <FormError>{error ? sayError(t, error) : null}</FormError>
        <Button look="primary" type="submit" disabled={busy || name === ""} className="self-end">
          {action}
        </Button>
      </form>
    </Dialog>
  );
}

function RotateDialog({ item, onClose, work }: { item: StreamKey; onClose: () => void; work: (overlapS: number) => Promise<void> }) {
  const t = useT();
  const [overlap, setOverlap] = useState("3600");
  const { busy, error, run } = useSubmit();
  return (
    <Dialog open title={t("keys.rotate.title", { name: nameOf(t, item) })} onClose={onClose}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void run(() => work(Number(overlap)));
        }}
      >
        <p className="text-ink-2">{t("keys.rotate.text")}</p>
        <SelectField label={t("keys.rotate.overlap")} value={overlap} options={overlaps.map(([value, key]) => [value, t(key)])} onPick={setOverlap} />
        <FormError>{error ? sayError(t, error) : null}</FormError>
        <Button look="primary" type="submit" disabled={busy} className="self-end">
          {t("keys.rotate")}
        </Button>
      </form>
    </Dialog>
  );
}
