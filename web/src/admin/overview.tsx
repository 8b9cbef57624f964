import { CircleCheck, TriangleAlert } from "lucide-react";
import { api } from "../api/client";
import type { ServerHealth } from "../api/types";
import { localeOf, type Key, type Translate } from "../i18n";
import { bytes, clock } from "../i18n/moments";
import { useLanguage } from "../store/language";
import { useResource } from "../store/resource";
import { classes } from "../ui/classes";
import { PageHead } from "../ui/section";
import { Failed, Loading } from "../ui/states";

const reasons: Record<string, Key> = {
  disk: "server.reason.disk",
  open_files: "server.reason.files",
  loop_lag: "server.reason.loop",
  database: "server.reason.database",
};

function sayReason(t: Translate, reason: string): string {
  const key = reasons[reason];
  return key ? t(key) : reason;
}

/** The database by its own name; the server tells which driver speaks to it as well. */
function databaseName(url: string): string {
  if (url.startsWith("sqlite")) return "SQLite";
  return url.startsWith("postgres") ? "PostgreSQL" : url;
}

function uptime(seconds: number, t: Translate): string {
  const days = Math.floor(seconds / 86_400);
  return days > 0 ? `${t("days", { n: days })} ${clock(seconds % 86_400)}` : clock(seconds);
}

/** How the server is, read again every few seconds. */
export function OverviewRoom() {
  const { t, language } = useLanguage();
  const health = useResource<ServerHealth>("health", () => api.get("/admin/health"), { everyMs: 5000 });
  const { value } = health;
  if (!value) return health.error ? <Failed page error={health.error} retry={health.reload} /> : <Loading />;
  const ok = value.status === "ok";
  const Icon = ok ? CircleCheck : TriangleAlert;
  const counts: [string, number][] = [
    [t("server.streams"), value.live_streams],
    [t("server.viewers"), value.viewers],
    [t("server.channels"), value.channels],
    [t("server.users"), value.users],
  ];
  const facts: [string, string][] = [
    [t("server.cpu"), `${value.cpu_percent.toFixed(1)} %`],
    [t("server.memory"), bytes(value.memory_bytes)],
    [t("server.disk"), t("server.of", { a: bytes(value.disk.free_bytes), b: bytes(value.disk.total_bytes) })],
    [t("server.files"), t("server.of", { a: value.open_files, b: value.open_files_limit })],
    [t("server.lag"), `${value.loop_lag_ms.toFixed(1)} ms`],
    [t("server.database"), databaseName(value.database)],
    [t("server.version"), value.version],
  ];
  return (
    <div className="max-w-[820px]">
      <PageHead title={t("admin.overview")} />
      <div className={classes("flex gap-3 rounded-m px-4 py-3.5", ok ? "bg-good-soft text-good" : "bg-warn-soft text-warn")} role="status">
        <Icon size={20} className="mt-px shrink-0" aria-hidden />
        <div className="text-m text-ink">
          <b className="font-semibold">{t(ok ? "server.ok" : "server.degraded")}</b> {t("server.up", { time: uptime(value.uptime_s, t) })}
          {value.reasons.map((reason) => (
            <p key={reason} className="mt-1">
              {sayReason(t, reason)}
            </p>
          ))}
        </div>
      </div>
      <dl className="mt-3.5 grid grid-cols-2 gap-px overflow-hidden rounded-m bg-line sm:grid-cols-4">
        {counts.map(([name, count]) => (
          <div key={name} className="bg-surface px-3.5 py-3">
            <dt className="text-xs text-ink-2">{name}</dt>
            <dd className="num text-xl font-semibold tracking-tight">{count.toLocaleString(localeOf(language))}</dd>
          </div>
        ))}
      </dl>
      <dl className="mt-6 text-m">
        {facts.map(([name, fact]) => (
          <div key={name} className="flex justify-between gap-4 border-t border-line py-2.5">
            <dt className="text-ink-2">{name}</dt>
            <dd className="num text-right font-medium">{fact}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
