import { useCallback, useState } from "react";
import { api } from "../api/client";
import type { Page } from "../api/types";
import { useResource } from "./resource";

export type Listing<Item> = {
  items: Item[] | null;
  error: unknown;
  reload: () => void;
  /** Fetches the following page; null at the end. */
  more: (() => void) | null;
};

/** A list that is read page by page; a reload begins at its head. */
export function useListing<Item>(path: string, query: Record<string, string> = {}, options: { everyMs?: number } = {}): Listing<Item> {
  const [tail, setTail] = useState<{ head: unknown; items: Item[]; next: string | null } | null>(null);
  const key = `${path}?${new URLSearchParams(query).toString()}`;
  const head = useResource<Page<Item>>(key, () => api.get(path, query), options);
  const extra = tail?.head === head.value ? tail : null;
  const next = extra ? extra.next : (head.value?.next ?? null);
  const fetchMore = useCallback(
    async (cursor: string) => {
      const page = await api.get<Page<Item>>(path, { ...query, cursor });
      setTail({ head: head.value, items: [...(extra?.items ?? []), ...page.items], next: page.next });
    },
    [path, query, head.value, extra],
  );
  return {
    items: head.value ? [...head.value.items, ...(extra?.items ?? [])] : null,
    error: head.error,
    reload: head.reload,
    more: next === null ? null : () => void fetchMore(next).catch(() => undefined),
  };
}
