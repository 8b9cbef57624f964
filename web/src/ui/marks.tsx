import type { ReactNode } from "react";
import { useT } from "../store/language";
import { classes } from "./classes";

/** The sign of the house: a yard with the show in its middle. */
export function Mark() {
  return (
    <span aria-hidden className="relative inline-block size-6 rounded-[7px] border-3 border-ink after:absolute after:inset-[5px] after:rounded-full after:bg-live after:content-['']" />
  );
}

export function LiveBadge() {
  const t = useT();
  return (
    <span className="inline-flex items-center gap-1.5 rounded-s bg-live-fill px-2 py-0.5 text-xs font-bold tracking-wide text-white before:size-1.5 before:rounded-full before:bg-white before:content-['']">
      {t("live")}
    </span>
  );
}

type Tone = "plain" | "good" | "bad" | "warn";

const tones: Record<Tone, string> = {
  plain: "bg-raised text-ink-2",
  good: "bg-good-soft text-good",
  bad: "bg-live-soft text-live",
  warn: "bg-warn-soft text-warn",
};

export function Chip({ tone = "plain", children }: { tone?: Tone; children: ReactNode }) {
  return <span className={classes("num inline-flex h-[26px] items-center gap-1.5 rounded-full px-2.5 text-s whitespace-nowrap", tones[tone])}>{children}</span>;
}

const grounds = [
  "bg-hue-1 text-on-hue-1",
  "bg-hue-2 text-on-hue-2",
  "bg-hue-3 text-on-hue-3",
  "bg-hue-4 text-on-hue-4",
  "bg-hue-5 text-on-hue-5",
  "bg-hue-6 text-on-hue-6",
];

function groundOf(text: string): string {
  let sum = 0;
  for (const letter of text) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  return grounds[sum % grounds.length] ?? "";
}

const sizes = { s: "size-7 text-xs", m: "size-10 text-base", l: "size-20 text-2xl" };

/** A picture, or the first letter of the name on a colour of its own. */
export function Avatar({ name, url, size = "s" }: { name: string; url?: string | null | undefined; size?: keyof typeof sizes }) {
  const shape = classes("grid shrink-0 place-items-center overflow-hidden rounded-full font-bold", sizes[size]);
  if (url) return <img src={url} alt="" className={classes(shape, "object-cover")} />;
  return (
    <span aria-hidden className={classes(shape, groundOf(name))}>
      {Array.from(name)[0]?.toUpperCase() ?? "·"}
    </span>
  );
}
