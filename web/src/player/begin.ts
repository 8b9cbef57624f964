import { initial } from "../store/initial";
import { loudness, preferences } from "../store/chosen";
import { sourceOf, tokenOf } from "./engine";
import { keepPresses } from "./pressed";
import { PlaybackSession } from "./session";
import { stageOf, watchPlace } from "./stage";

/** The page around the picture is built when the picture is there, at the latest after this. */
const HEADSTART_MS = 700;
/** A picture that no player took over by then stops. */
const ORPHANED_MS = 5000;

/** The pages that show a channel's picture. */
const SHOWS = /^\/(@|embed\/)[^/]+\/?$/;

type Begun = { slug: string; silent: boolean; session: PlaybackSession };
let begun: Begun | null = null;

/** A session with what this visitor prefers; without sound where it has to be silent. */
export function newSession(silent: boolean): PlaybackSession {
  const { engine = "hls", quality = "" } = preferences();
  const { volume, muted } = loudness();
  return new PlaybackSession({ engine, muted: muted || silent, volume, quality });
}

/**
 * Begins to play the live channel that this page shows, on a stage drawn where the page will have it, before the
 * page itself is built. The player takes the session over, its element and all, and the picture goes on.
 */
export function beginPlayback(root: HTMLElement): Promise<void> {
  const { channel } = initial;
  if (channel?.live.state !== "live" || !SHOWS.test(location.pathname)) return Promise.resolve();
  const silent = location.pathname.startsWith("/embed/");
  const session = newSession(silent);
  const { theatre = false, chat } = preferences();
  begun = { slug: channel.slug, silent, session };
  keepPresses(session.video);
  root.replaceChildren(stageOf(session.video, silent ? null : watchPlace(theatre, chat === "hidden")));
  const leave = session.attach();
  session.play(sourceOf(channel.slug, channel.dvr_window_s, tokenOf(location.search)));
  window.setTimeout(() => begun?.session === session && leave(), ORPHANED_MS);
  return new Promise((resolve) => {
    session.video.addEventListener("loadeddata", () => resolve(), { once: true });
    window.setTimeout(resolve, HEADSTART_MS);
  });
}

/** The session that was begun for this channel, once. */
export function takeBegun(slug: string, silent: boolean): PlaybackSession | null {
  if (begun?.slug !== slug || begun.silent !== silent) return null;
  const { session } = begun;
  begun = null;
  return session;
}
