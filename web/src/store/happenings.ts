import { api } from "../api/client";
import type { Account, Channel, Page } from "../api/types";
import { useResource } from "./resource";

type Named = Pick<Account, "id" | "name" | "display_name">;

/** Names for the ids in a log: of accounts and of channels, as far as one page of each goes. */
export function useNames(): (id: unknown) => string | null {
  const known = useResource("names in the log", async () => {
    const [accounts, channels] = await Promise.all([
      api.get<Page<Named>>("/users", { limit: 100 }),
      api.get<Page<Pick<Channel, "id" | "name">>>("/channels", { show: "all", limit: 100 }),
    ]);
    return new Map([...accounts.items.map((each) => [each.id, each.display_name || each.name] as const), ...channels.items.map((each) => [each.id, each.name] as const)]);
  });
  return (id) => (typeof id === "string" ? (known.value?.get(id) ?? null) : null);
}
