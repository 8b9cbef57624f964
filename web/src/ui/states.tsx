import { CloudOff, TriangleAlert } from "lucide-react";
import { useEffect, useRef, type ReactNode } from "react";
import { ApiError } from "../api/client";
import type { Translate } from "../i18n";
import { useT } from "../store/language";
import { Button } from "./button";
import { sentenceFor } from "./problems";

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
  const known = sentenceFor(error.code);
  if (known) return t(known);
  if (error.status === 429) return t("error.busy");
  if (error.status === 403) return t("error.forbidden");
  if (error.status === 404) return t("error.not_found");
  return t(error.status >= 500 ? "problem.overloaded" : "error.unknown", { status: error.status });
}

const RETRY_FIRST_MS = 2000;
const RETRY_MAX_MS = 30_000;

/** Whether the same question may be answered later: no connection, or a server that is busy or broken. */
function passes(error: unknown): boolean {
  return error instanceof ApiError && (error.code === "network" || error.status === 429 || error.status >= 500);
}

/** Tries again by itself while somebody looks, at longer and longer intervals, and at once when the network is back. */
function useRetry(error: unknown, retry: () => void): void {
  const latest = useRef(retry);
  useEffect(() => {
    latest.current = retry;
  });
  const worthIt = passes(error);
  useEffect(() => {
    if (!worthIt) return undefined;
    let wait = RETRY_FIRST_MS;
    let timer = 0;
    const again = () => {
      if (document.visibilityState === "visible") latest.current();
      timer = window.setTimeout(again, wait);
      wait = Math.min(wait * 2, RETRY_MAX_MS);
    };
    timer = window.setTimeout(again, wait);
    const online = () => latest.current();
    window.addEventListener("online", online);
    return () => {
      window.clearTimeout(timer);
      window.removeEventListener("online", online);
    };
  }, [worthIt]);
}

/** Nothing could be loaded: why, and that it is tried again. */
export function Failed({ error, retry, page }: { error: unknown; retry: () => void; page?: boolean }) {
  const t = useT();
  const silent = error instanceof ApiError && error.code === "network";
  const online = navigator.onLine;
  useRetry(error, retry);
  return (
    <Notice
      page={page ?? false}
      icon={silent ? <CloudOff size={40} aria-hidden /> : <TriangleAlert size={40} aria-hidden />}
      title={t(!silent ? "error.title" : online ? "unreachable.title" : "offline.title")}
      action={<Button onClick={retry}>{t("retry")}</Button>}
    >
      {silent ? t(online ? "unreachable.text" : "offline.text") : sayError(t, error)}
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
