import type { ReactNode } from "react";

/** The head of a page inside the studio or the administration. */
export function PageHead({ title, text, children }: { title: string; text?: string; children?: ReactNode }) {
  return (
    <div className="mb-6 flex flex-wrap items-center gap-3">
      <div className="min-w-0 flex-[1_1_260px]">
        <h1 className="text-xl font-bold tracking-tight">{title}</h1>
        {text && <p className="mt-1 max-w-[60ch] text-m text-ink-2">{text}</p>}
      </div>
      {children && <div className="flex flex-wrap items-center gap-3">{children}</div>}
    </div>
  );
}

/** A part of a page with a heading of its own. */
export function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="mb-10">
      <h2 className="mb-3 text-m font-semibold text-ink-2">{title}</h2>
      {children}
    </section>
  );
}

/** A list whose rows are parted by space, each on a surface. */
export function Rows({ children }: { children: ReactNode }) {
  return <ul className="flex flex-col gap-2">{children}</ul>;
}

/** One of `Rows`. Four deeds or more stand two by two on a phone, so that none wraps alone. */
export function Row({ lead, title, note, children }: { lead?: ReactNode; title: ReactNode; note?: ReactNode; children?: ReactNode }) {
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 rounded-m bg-surface px-4 py-3">
      {lead}
      <div className="min-w-0 flex-[1_1_200px]">
        <div className="flex flex-wrap items-center gap-x-2 font-semibold">{title}</div>
        {note && <div className="num text-s text-ink-2">{note}</div>}
      </div>
      {children && <div className="flex flex-wrap items-center gap-2 max-sm:has-[>:nth-child(4)]:grid max-sm:has-[>:nth-child(4)]:w-full max-sm:has-[>:nth-child(4)]:grid-cols-2">{children}</div>}
    </li>
  );
}
