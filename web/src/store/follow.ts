import { useCallback, useSyncExternalStore } from "react";
import { api } from "../api/client";
import { useMe } from "./me";
import { useResource } from "./resource";

export type Standing = { following: boolean; followed_at: string | null; followers: number };

let changes = 0;
const watching = new Set<() => void>();

function changed(): void {
  changes++;
  for (const tell of watching) tell();
}

/** How often this page followed or unfollowed something: what lists whom one follows is read again then. */
export function useFollowChanges(): number {
  return useSyncExternalStore(
    (tell) => {
      watching.add(tell);
      return () => watching.delete(tell);
    },
    () => changes,
  );
}

/** Whether one follows the channel, and how many do; null until known, and where it cannot be asked. */
export function useFollow(slug: string): { standing: Standing | null; signedIn: boolean; follow: (on: boolean) => Promise<void> } {
  const { me } = useMe();
  const path = `/channels/${encodeURIComponent(slug)}/follow`;
  const resource = useResource<Standing>(`${path} ${me?.account.id ?? ""}`, () => api.get(path));
  const { put } = resource;
  const follow = useCallback(
    async (on: boolean) => {
      put(on ? await api.put<Standing>(path) : await api.delete<Standing>(path));
      changed();
    },
    [path, put],
  );
  return { standing: resource.value, signedIn: Boolean(me), follow };
}
