import { useCallback, useEffect, useRef } from "react";
import { api } from "../api/client";
import { Feed, type FeedLine, type FeedMessage } from "../api/feed";
import type { Channel, Live } from "../api/types";
import { initial } from "./initial";
import { useResource, type Resource } from "./resource";

/** A channel's live facts after a message; null where it says nothing about them. */
export function liveAfter(id: string, live: Live, message: FeedMessage): Live | null {
  if (message.type === "hello") {
    const line = message.channels.find((each) => each.id === id);
    return line ? taken(line) : null;
  }
  if (message.type === "stream" && message.id === id) return taken(message);
  if (message.type === "viewers" && message.id === id) return { ...live, viewers: message.viewers };
  return null;
}

/** Whether a channel's texts changed between its state in the page and the snapshot that the feed began with. */
export function outdated(channel: Channel, message: FeedMessage): boolean {
  const line = message.type === "hello" ? message.channels.find((each) => each.id === channel.id) : undefined;
  return line !== undefined && (["name", "title", "category", "visibility"] as const).some((text) => line[text] !== undefined && line[text] !== channel[text]);
}

function taken({ state, viewers, began_at, broadcast_id }: FeedLine): Live {
  if (state === "ended" || state === "offline") return { state: "offline", viewers: 0, began_at: null, broadcast_id: null };
  return { state, viewers, began_at, broadcast_id };
}

/** Follows a page's events: `onMessage` for each, `reload` when some may have been missed. */
export function useFeed(channel: string | null | undefined, onMessage: (message: FeedMessage) => void, reload: () => void, token = ""): void {
  const latest = useRef({ onMessage, reload });
  useEffect(() => {
    latest.current = { onMessage, reload };
  });
  useEffect(() => {
    if (channel === undefined) return undefined;
    const feed = new Feed(
      channel,
      {
        onMessage: (message) => latest.current.onMessage(message),
        onReturn: () => latest.current.reload(),
        onPoll: () => latest.current.reload(),
      },
      token,
    );
    return () => feed.close();
  }, [channel, token]);
}

/** A channel that follows its events: live or not, for how many, under which title. */
export function useChannel(slug: string, token = "", onMessage?: (message: FeedMessage) => void): Resource<Channel> {
  const first = initial.channel?.slug === slug ? initial.channel : null;
  const resource = useResource<Channel>(slug, () => api.get(`/channels/${encodeURIComponent(slug)}`, token ? { token } : {}), { first });
  const { value, put, reload } = resource;
  const hear = useCallback(
    (message: FeedMessage) => {
      onMessage?.(message);
      if (!value) return;
      const live = liveAfter(value.id, value.live, message);
      if (live) put({ ...value, live });
      if (message.type === "channel" || outdated(value, message) || (message.type === "stream" && message.event === "ended")) reload();
    },
    [value, put, reload, onMessage],
  );
  useFeed(value ? value.id : undefined, hear, reload, token);
  return resource;
}
