/** As many nickname colours as tokens.css has; a user's `color` is an index among them. */
export const COLOURS = 16;

const names = [
  "text-nick-0",
  "text-nick-1",
  "text-nick-2",
  "text-nick-3",
  "text-nick-4",
  "text-nick-5",
  "text-nick-6",
  "text-nick-7",
  "text-nick-8",
  "text-nick-9",
  "text-nick-10",
  "text-nick-11",
  "text-nick-12",
  "text-nick-13",
  "text-nick-14",
  "text-nick-15",
];

/** The class of a nickname's colour, read on both themes; whoever chose none has the one of their id. */
export function colourOf({ id, color = -1 }: { id: string; color?: number | undefined }): string {
  return names[(color >= 0 ? Math.trunc(color) : sumOf(id)) % COLOURS] ?? "text-ink";
}

function sumOf(id: string): number {
  let sum = 7;
  for (let index = 0; index < id.length; index++) sum = (Math.imul(sum, 31) + id.charCodeAt(index)) >>> 0;
  return (sum ^ (sum >>> 15)) >>> 0;
}

const tiers = [
  { letters: "text-tier-1", ground: "bg-tier-1-soft" },
  { letters: "text-tier-2", ground: "bg-tier-2-soft" },
  { letters: "text-tier-3", ground: "bg-tier-3-soft" },
  { letters: "text-tier-4", ground: "bg-tier-4-soft" },
  { letters: "text-tier-5", ground: "bg-tier-5-soft" },
  { letters: "text-tier-6", ground: "bg-tier-6-soft" },
  { letters: "text-tier-7", ground: "bg-tier-7-soft" },
] as const;

/** The classes of a paid message's tier, 1 (blue) to 7 and above (red). */
export function tierOf(tier: number): { letters: string; ground: string } {
  return tiers[Math.min(Math.max(Math.trunc(tier), 1), tiers.length) - 1] ?? tiers[0];
}
