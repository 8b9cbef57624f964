import { earlyAnswer } from "../api/client";
import type { Channel } from "../api/types";
import { preferences } from "../store/preferences";
import { sourceOf } from "./engine";

/**
 * Starts on the media of a live channel while the page around the picture is still being built; `boot.js` has asked
 * whether it is live. Nothing happens on other pages, and a failure is left to the player, which tries again.
 */
export async function prepareMedia(): Promise<void> {
  const asked = earlyAnswer();
  if (!asked || !("MediaSource" in window)) return;
  const engine = preferences().engine ?? "hls";
  const embedded = location.pathname.startsWith("/embed/");
  const token = embedded ? (new URLSearchParams(location.search).get("token") ?? "") : "";
  try {
    // A copy is read: the page reads the answer itself.
    const copy = asked.then((answer) => (answer.ok ? (answer.clone().json() as Promise<Channel>) : null));
    const loading = engine === "webrtc" ? import("./webrtc") : engine === "flv" ? import("./flv") : import("./hls");
    const [channel, { prepare }] = await Promise.all([copy, loading]);
    if (channel?.live.state !== "live") return;
    const source = sourceOf(channel.slug, channel.dvr_window_s, token);
    prepare(engine === "webrtc" ? source.whep : engine === "flv" ? source.flv : source.index);
  } catch {
    // The page asks again and says what is wrong.
  }
}
