import { Check, Copy } from "lucide-react";
import { useEffect, useState, type ReactNode } from "react";
import { useT } from "../store/language";
import { IconButton } from "./button";
import { classes } from "./classes";

/** Puts text on the clipboard; also on plain HTTP, where the clipboard API is missing. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "fixed opacity-0";
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- the only way on plain HTTP
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/** A button that copies `text`, or what `fetchText` brings, and says so for two seconds. */
export function CopyButton({ what, text, fetchText }: { what: string; text?: string; fetchText?: () => Promise<string | null> }) {
  const t = useT();
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return undefined;
    const timer = setTimeout(() => setDone(false), 2000);
    return () => clearTimeout(timer);
  }, [done]);
  const copy = async () => {
    const value = text ?? (await fetchText?.()) ?? null;
    if (value !== null) setDone(await copyText(value));
  };
  return (
    <IconButton label={done ? t("copied") : t("copy.what", { what })} onClick={() => void copy()}>
      {done ? <Check size={18} className="text-good" aria-hidden /> : <Copy size={18} aria-hidden />}
      <span className="sr-only" role="status">
        {done ? t("copied") : ""}
      </span>
    </IconButton>
  );
}

/** A line with a name, a value in the code face, and buttons; a value that is to be read is shown `whole`. */
export function CodeField({ label, value, whole, children }: { label: string; value: string; whole?: boolean; children?: ReactNode }) {
  return (
    <div className="flex min-h-11 items-center gap-3 rounded-m border border-line bg-surface py-0.5 pr-1 pl-3.5">
      <span className="w-18 shrink-0 text-xs text-ink-3">{label}</span>
      <code className={classes("min-w-0 flex-1 font-mono text-m", whole ? "py-1.5 break-all" : "truncate")} title={value}>
        {value}
      </code>
      <span className="flex">{children}</span>
    </div>
  );
}
