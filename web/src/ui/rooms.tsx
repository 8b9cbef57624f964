import { useEffect, useRef, type ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { classes } from "./classes";

export type Room = { href: string; label: string; icon: ReactNode };

/** A page with rooms: a column beside it, on a phone a row above it that scrolls. */
export function Rooms({ label, rooms, head, query = "", children }: { label: string; rooms: Room[]; head?: ReactNode; query?: string; children: ReactNode }) {
  const [path] = useLocation();
  const row = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a phone the present room may be beyond the edge of the row.
    const here = row.current?.querySelector<HTMLElement>("[aria-current]");
    if (here && row.current) row.current.scrollLeft = here.offsetLeft - 48;
  }, [path]);
  return (
    <div className="md:grid md:min-h-[calc(100dvh-56px)] md:grid-cols-[220px_minmax(0,1fr)]">
      <div className="border-line max-md:border-b md:border-r md:px-3.5 md:py-5">
        {head && <div className="px-4 pt-3 md:px-0 md:pt-0 md:pb-3">{head}</div>}
        <nav ref={row} aria-label={label} className="flex relative gap-1 overflow-x-auto px-3 py-2 md:flex-col md:p-0">
          {rooms.map((room) => {
            const here = path === room.href;
            return (
              <Link
                key={room.href}
                href={room.href + query}
                aria-current={here ? "page" : undefined}
                className={classes(
                  "flex h-11 shrink-0 items-center gap-3 rounded-m px-3 text-base font-medium whitespace-nowrap transition md:h-10",
                  here ? "bg-raised text-ink" : "text-ink-2 hover:bg-raised hover:text-ink",
                )}
              >
                {room.icon}
                {room.label}
              </Link>
            );
          })}
        </nav>
      </div>
      <div className="min-w-0 max-w-[1180px] px-4 py-6 md:p-8">{children}</div>
    </div>
  );
}
