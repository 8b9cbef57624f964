import { useState } from "react";
import { api } from "../api/client";
import { dateTime } from "../i18n/moments";
import { useLanguage, useT } from "../store/language";
import { useResource } from "../store/resource";
import { useSubmit } from "../store/submit";
import { Button } from "../ui/button";
import { Confirm } from "../ui/confirm";
import { AreaField, FormError, TextField } from "../ui/form";
import { PageHead, Row, Rows, Section } from "../ui/section";
import { Failed, Loading, sayError } from "../ui/states";

type Node = { node: string; num_clients: number; num_users: number; num_channels: number; num_subs: number };
type Channel = { name: string; clients: number };
type Connection = { node: string; user: string; client: string; transport: string; since: number; channels: string[] };
type Many<Item> = { items: Item[] };
type History = { items: { offset: number; data: unknown }[]; offset: number; epoch: string };

const EVERY_MS = 5000;

/** `/admin/realtime`: nodes, channels, who is in them and what went through, publish and disconnect. */
export function RealtimeRoom() {
  const t = useT();
  const [open, setOpen] = useState<string | null>(null);
  const [leaving, setLeaving] = useState<string | null>(null);
  return (
    <div className="max-w-[920px]">
      <PageHead title={t("admin.realtime")} text={t("rt.text")} />
      <Nodes />
      <Channels open={open} onOpen={setOpen} />
      {open !== null && <OneChannel key={open} name={open} onDisconnect={setLeaving} />}
      <Connections onDisconnect={setLeaving} />
      <Publish />
      {leaving !== null && (
        <Confirm open title={t("rt.disconnect.title", { name: leaving })} action={t("rt.disconnect")} onClose={() => setLeaving(null)} work={() => api.post("/realtime/disconnect", { user: leaving })}>
          {t("rt.disconnect.text")}
        </Confirm>
      )}
    </div>
  );
}

function Nodes() {
  const t = useT();
  const nodes = useResource("realtime nodes", async () => (await api.get<Many<Node>>("/realtime/nodes")).items, { everyMs: EVERY_MS });
  if (!nodes.value) return nodes.error ? <Failed error={nodes.error} retry={nodes.reload} /> : <Loading rows={1} />;
  return (
    <Section title={t("rt.nodes")}>
      <Rows>
        {nodes.value.map((node) => (
          <Row
            key={node.node}
            title={<code className="text-s font-normal">{node.node}</code>}
            note={[t("rt.node.clients", { n: node.num_clients }), t("rt.node.users", { n: node.num_users }), t("rt.node.channels", { n: node.num_channels }), t("rt.node.subs", { n: node.num_subs })].join(" · ")}
          />
        ))}
      </Rows>
    </Section>
  );
}

function Channels({ open, onOpen }: { open: string | null; onOpen: (name: string | null) => void }) {
  const t = useT();
  const [pattern, setPattern] = useState("");
  const channels = useResource(`realtime channels ${pattern}`, async () => (await api.get<Many<Channel>>("/realtime/channels", pattern ? { pattern } : {})).items, { everyMs: EVERY_MS });
  return (
    <Section title={t("rt.channels")}>
      <div className="mb-3 max-w-[420px]">
        <TextField label={t("rt.channels.filter")} value={pattern} onText={setPattern} maxLength={255} autoCapitalize="none" spellCheck={false} />
      </div>
      {channels.error !== null && !channels.value && <Failed error={channels.error} retry={channels.reload} />}
      {channels.value?.length === 0 && <p className="text-m text-ink-2">{t("rt.channels.empty")}</p>}
      <Rows>
        {(channels.value ?? []).slice(0, 100).map((channel) => (
          <Row key={channel.name} title={<code className="text-s font-normal break-all">{channel.name}</code>} note={t("rt.channel.clients", { n: channel.clients })}>
            <Button aria-expanded={open === channel.name} aria-label={t("rt.channel.open", { name: channel.name })} onClick={() => onOpen(open === channel.name ? null : channel.name)}>
              {t("more.details")}
            </Button>
          </Row>
        ))}
      </Rows>
    </Section>
  );
}

function OneChannel({ name, onDisconnect }: { name: string; onDisconnect: (user: string) => void }) {
  const t = useT();
  const here = useResource(`in ${name}`, async () => (await api.get<Many<Connection>>("/realtime/connections", { channel: name })).items, { everyMs: EVERY_MS });
  const history = useResource(`history of ${name}`, () => api.get<History>("/realtime/history", { channel: name }), { everyMs: EVERY_MS });
  return (
    <>
      <Section title={`${t("rt.presence")}: ${name}`}>
        {here.value?.length === 0 && <p className="text-m text-ink-2">{t("rt.presence.empty")}</p>}
        <ConnectionRows items={here.value ?? []} onDisconnect={onDisconnect} />
      </Section>
      <Section title={`${t("rt.history")}: ${name}`}>
        {(history.error !== null || history.value?.items.length === 0) && <p className="text-m text-ink-2">{t("rt.history.empty")}</p>}
        <ol className="flex flex-col gap-1.5">
          {(history.value?.items ?? []).map((item) => (
            <li key={item.offset} className="flex gap-3 rounded-s bg-surface px-3 py-2 text-s">
              <span className="num shrink-0 text-ink-3">{item.offset}</span>
              <code className="min-w-0 break-all">{JSON.stringify(item.data)}</code>
            </li>
          ))}
        </ol>
      </Section>
    </>
  );
}

function ConnectionRows({ items, onDisconnect }: { items: Connection[]; onDisconnect: (user: string) => void }) {
  const { t, language } = useLanguage();
  return (
    <Rows>
      {items.slice(0, 100).map((one) => (
        <Row
          key={one.client}
          title={<code className="text-s font-normal break-all">{one.user || "–"}</code>}
          note={`${one.transport} · ${one.node} · ${dateTime(language, new Date(one.since * 1000).toISOString())} · ${one.channels.join(", ")}`}
        >
          {one.user && (
            <Button look="danger" aria-label={t("rt.disconnect.of", { name: one.user })} onClick={() => onDisconnect(one.user)}>
              {t("rt.disconnect")}
            </Button>
          )}
        </Row>
      ))}
    </Rows>
  );
}

function Connections({ onDisconnect }: { onDisconnect: (user: string) => void }) {
  const t = useT();
  const [user, setUser] = useState("");
  const [found, setFound] = useState<Connection[] | null>(null);
  const { busy, error, run } = useSubmit();
  return (
    <Section title={t("rt.connections")}>
      <form
        className="mb-3 flex max-w-[560px] flex-wrap items-end gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          void run(async () => setFound((await api.get<Many<Connection>>("/realtime/connections", { user })).items));
        }}
      >
        <div className="min-w-0 flex-[1_1_260px]">
          <TextField label={t("rt.connections.user")} value={user} onText={setUser} maxLength={256} required autoCapitalize="none" spellCheck={false} />
        </div>
        <Button type="submit" className="md:h-11" disabled={busy || user === ""}>
          {t("rt.connections.find")}
        </Button>
      </form>
      <FormError>{error ? sayError(t, error) : null}</FormError>
      {found?.length === 0 && (
        <p role="status" className="text-m text-ink-2">
          {t("rt.connections.empty")}
        </p>
      )}
      <ConnectionRows items={found ?? []} onDisconnect={onDisconnect} />
    </Section>
  );
}

function parsed(text: string): { data: unknown } | null {
  try {
    return { data: JSON.parse(text) as unknown };
  } catch {
    return null;
  }
}

function Publish() {
  const t = useT();
  const [channel, setChannel] = useState("");
  const [text, setText] = useState("{}");
  const [done, setDone] = useState(false);
  const { busy, error, run } = useSubmit();
  const body = parsed(text);
  return (
    <Section title={t("rt.publish")}>
      <form
        className="flex max-w-[560px] flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (body) void run(() => api.post("/realtime/publish", { channel, data: body.data })).then(setDone);
        }}
      >
        <TextField label={t("rt.publish.channel")} value={channel} onText={setChannel} maxLength={255} required autoCapitalize="none" spellCheck={false} />
        <AreaField
          label={t("rt.publish.data")}
          value={text}
          rows={3}
          onText={(next) => {
            setText(next);
            setDone(false);
          }}
        />
        <FormError>{error ? sayError(t, error) : body ? null : t("rt.publish.bad")}</FormError>
        <div className="flex items-center gap-3">
          <Button type="submit" look="primary" disabled={busy || !body || channel === ""}>
            {t("rt.publish")}
          </Button>
          <span role="status" className="text-m text-good">
            {done && t("rt.publish.done")}
          </span>
        </div>
      </form>
    </Section>
  );
}
