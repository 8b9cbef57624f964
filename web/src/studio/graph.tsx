import { classes } from "../ui/classes";

const WIDTH = 300;
const HEIGHT = 60;

/** The line through the values, the newest at the right; the room above the highest is a tenth. */
export function lineOf(values: number[], count: number): string {
  const top = Math.max(1, ...values) * 1.1;
  const step = WIDTH / (count - 1);
  const start = WIDTH - (values.length - 1) * step;
  return values.map((value, index) => `${index === 0 ? "M" : "L"}${(start + index * step).toFixed(1)} ${(HEIGHT - (value / top) * HEIGHT).toFixed(1)}`).join("");
}

/** A number that moves, and how it moved in the last minutes. */
export function Graph({ name, label, now, values, count, tone }: { name: string; label: string; now: string; values: number[]; count: number; tone: "good" | "link" }) {
  return (
    <figure className="rounded-m bg-surface px-3.5 pt-3 pb-2">
      <figcaption className="flex items-baseline gap-2">
        <span className="text-xs text-ink-2">{name}</span>
        <span className="num ml-auto text-m font-semibold">{now}</span>
      </figcaption>
      <svg role="img" aria-label={label} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" className={classes("mt-1 block h-16 w-full overflow-visible", tone === "good" ? "text-good" : "text-link")}>
        {values.length > 1 && <path d={lineOf(values, count)} fill="none" stroke="currentColor" strokeWidth="2" strokeLinejoin="round" vectorEffect="non-scaling-stroke" />}
      </svg>
    </figure>
  );
}
