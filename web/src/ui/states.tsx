import { CloudOff, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { ApiError } from "../api/client";
import type { Translate } from "../i18n";
import { useT } from "../store/language";
import { Button } from "./button";

/** A state of a page that has nothing to list: what it means and what to do. */
export function Notice({ icon, title, children, action, page }: { icon?: ReactNode; title: string; children?: ReactNode; action?: ReactNode; page?: boolean }) {
  const Heading = page ? "h1" : "h2";
  return (
    <section className="mx-auto flex max-w-[46ch] flex-col items-center px-4 py-12 text-center">
      {icon && <div className="mb-4 text-ink-3">{icon}</div>}
      <Heading className="text-l font-bold">{title}</Heading>
      {children && <p className="mt-2 text-balance text-ink-2">{children}</p>}
      {action && <div className="mt-6 flex flex-wrap justify-center gap-3">{action}</div>}
    </section>
  );
}

/** What an error means, in the reader's words. */
export function sayError(t: Translate, error: unknown): string {
  if (!(error instanceof ApiError)) return t("error.text");
  if (error.code === "network") return t("error.network");
  if (error.status === 429) return t("error.busy");
  if (error.status === 403) return t("error.forbidden");
  if (error.status === 404) return t("error.not_found");
  return error.message || t("error.unknown", { status: error.status });
}

export function Failed({ error, retry, page }: { error: unknown; retry: () => void; page?: boolean }) {
  const t = useT();
  const offline = error instanceof ApiError && error.code === "network";
  return (
    <Notice
      page={page ?? false}
      icon={offline ? <CloudOff size={40} aria-hidden /> : <TriangleAlert size={40} aria-hidden />}
      title={t(offline ? "offline.title" : "error.title")}
      action={<Button onClick={retry}>{t("retry")}</Button>}
    >
      {offline ? t("offline.text") : sayError(t, error)}
    </Notice>
  );
}

/** Grey shapes while something loads; appears late so that fast answers do not flicker. */
export function Loading({ rows = 3 }: { rows?: number }) {
  const t = useT();
  return (
    <div role="status" className="flex flex-col gap-3 py-6">
      <span className="sr-only">{t("loading")}</span>
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} className="h-14 animate-pulse rounded-m bg-surface" />
      ))}
    </div>
  );
}
