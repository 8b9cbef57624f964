let behindS: number | null = null;

/** The player tells how far its picture is behind live; null where it does not know. */
export function tellBehind(seconds: number | null): void {
  behindS = seconds;
}

/** Seconds that the page's picture is behind live. */
export function behindLive(): number | null {
  return behindS;
}

/** The moment of the stream's wall clock that the picture shows, milliseconds since 1970. */
export function pictureWall(now: number): number {
  return now - (behindS ?? 0) * 1000;
}
