import type { ComponentProps, ReactNode } from "react";
import { Link } from "wouter";
import { classes } from "./classes";

type Look = "plain" | "primary" | "live" | "quiet" | "danger";

const looks: Record<Look, string> = {
  plain: "bg-raised text-ink hover:brightness-110",
  primary: "bg-ink text-paper hover:opacity-90",
  live: "bg-live-fill text-white hover:brightness-110",
  quiet: "text-ink-2 hover:bg-raised hover:text-ink",
  danger: "text-live hover:bg-live-soft",
};

const shape =
  "inline-flex h-11 shrink-0 items-center justify-center gap-2 rounded-full px-4 text-m font-semibold whitespace-nowrap transition md:h-9 disabled:opacity-50 [&>svg]:shrink-0";

type Common = { look?: Look; icon?: ReactNode };

/** A button; 44 px high on phones, 36 px beside a mouse. */
export function Button({ look = "plain", icon, className, children, ...rest }: Common & ComponentProps<"button">) {
  return (
    <button type="button" className={classes(shape, looks[look], className)} {...rest}>
      {icon}
      {children}
    </button>
  );
}

/** A link that looks like a button. */
export function ButtonLink({ look = "plain", icon, className, children, href }: Common & { className?: string; children: ReactNode; href: string }) {
  return (
    <Link href={href} className={classes(shape, looks[look], className)}>
      {icon}
      {children}
    </Link>
  );
}

/** A round button with an icon alone; `label` is its name and its tooltip. */
export function IconButton({ label, className, children, ...rest }: { label: string } & ComponentProps<"button">) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      className={classes("grid size-11 shrink-0 place-items-center rounded-full text-ink-2 transition hover:bg-raised hover:text-ink md:size-9", className)}
      {...rest}
    >
      {children}
    </button>
  );
}
