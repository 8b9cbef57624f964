let offsetMs = 0;

/** An answer's Date header: to the second, good enough for "live for 3 minutes", not for latency. */
export function heardDate(header: string | null): void {
  const said = header === null ? Number.NaN : Date.parse(header);
  if (Number.isNaN(said)) return;
  const offset = said + 500 - Date.now();
  // Within the header's own grain the two clocks agree.
  offsetMs = Math.abs(offset) < 1000 ? 0 : offset;
}

/** What time it is on the server, milliseconds since 1970. */
export function serverNow(): number {
  return Date.now() + offsetMs;
}
