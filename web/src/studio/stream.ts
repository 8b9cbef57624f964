import { useCallback, useState } from "react";
import { api, ApiError } from "../api/client";
import type { FeedMessage, FeedPulse } from "../api/feed";
import type { Channel, FeedEvent, LiveStream, Page } from "../api/types";
import { useChannel } from "../store/channel";
import { useResource, type Resource } from "../store/resource";

/** Seconds of the graphs. */
const SAMPLES = 300;
const LINES = 30;

/** The stream after one second's pulse. */
export function afterPulse(stream: LiveStream, pulse: FeedPulse): LiveStream {
  const { sample } = pulse;
  return {
    ...stream,
    state: pulse.state,
    bitrate_bps: sample.bitrate_bps,
    fps: sample.fps,
    viewers: sample.viewers,
    peak_viewers: Math.max(stream.peak_viewers, sample.viewers),
    health: pulse.health,
    viewers_by_door: pulse.viewers_by_door,
    tracks: pulse.tracks,
    samples: [...stream.samples, sample].slice(-SAMPLES),
  };
}

/** A channel with its live stream, second by second, and its log, line by line. */
export function useStudio(slug: string): { channel: Resource<Channel>; stream: LiveStream | null; log: FeedEvent[] } {
  const base = `/channels/${encodeURIComponent(slug)}`;
  const stream = useResource<LiveStream | null>(`${slug} stream`, () =>
    api.get<LiveStream>(`${base}/live`).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }),
  );
  const kept = useResource(`${slug} log`, async () => (await api.get<Page<FeedEvent>>(`${base}/events`, { limit: LINES })).items);
  const [fresh, setFresh] = useState<FeedEvent[]>([]);
  const { value, put, reload } = stream;
  const reloadLog = kept.reload;
  const hear = useCallback(
    (message: FeedMessage) => {
      if (message.type === "studio" && value) put(afterPulse(value, message));
      else if (message.type === "studio" || message.type === "stream") reload();
      // Somebody's deed: the list says who; a happening without a doer is whole as it is.
      else if (message.type === "event" && message.actor !== null) reloadLog();
      else if (message.type === "event") setFresh((before) => [{ ...message, actor: null }, ...before].slice(0, LINES));
    },
    [value, put, reload, reloadLog],
  );
  const channel = useChannel(slug, "", hear);
  const known = new Set(fresh.map((line) => line.id));
  const log = [...fresh, ...(kept.value ?? []).filter((line) => !known.has(line.id))].sort((a, b) => b.at.localeCompare(a.at)).slice(0, LINES);
  return { channel, stream: value, log };
}
