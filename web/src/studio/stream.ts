import { useCallback, useState } from "react";
import { api, ApiError } from "../api/client";
import type { FeedHappening, FeedMessage, FeedPulse } from "../api/feed";
import type { Channel, FeedEvent, LiveStream, Page, Sample } from "../api/types";
import { useChannel } from "../store/channel";
import { useResource, type Resource } from "../store/resource";

/** Seconds of the graphs. */
const SAMPLES = 300;
const LINES = 30;

/** The stream after one second's pulse. */
export function afterPulse(stream: LiveStream, pulse: FeedPulse): LiveStream {
  const { sample } = pulse;
  const next: Sample = { ...sample, at: new Date(sample.at * 1000).toISOString() };
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
    samples: [...stream.samples, next].slice(-SAMPLES),
  };
}

function lineOf({ id, at, kind, peer, data }: FeedHappening): FeedEvent {
  return { id, at: new Date(at * 1000).toISOString(), kind, peer, data, channel_id: null, actor: null };
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
  const hear = useCallback(
    (message: FeedMessage) => {
      if (message.type === "studio" && value) put(afterPulse(value, message));
      else if (message.type === "studio" || message.type === "stream") reload();
      else if (message.type === "event") setFresh((before) => [lineOf(message), ...before].slice(0, LINES));
    },
    [value, put, reload],
  );
  const channel = useChannel(slug, "", hear);
  const known = new Set(fresh.map((line) => line.id));
  const log = [...fresh, ...(kept.value ?? []).filter((line) => !known.has(line.id))].slice(0, LINES);
  return { channel, stream: value, log };
}
