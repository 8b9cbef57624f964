import type { components } from "../api/schema";

export type ManagedOrder = components["schemas"]["ManagedOrder"];

/** The states of an order, in the order of its life. */
export const STATES = ["created", "held", "shown", "removed", "refunded", "disputed", "failed", "expired"] as const;

const tones: Record<string, "plain" | "good" | "bad" | "warn"> = { shown: "good", paid: "good", held: "warn", disputed: "bad", failed: "bad" };

export function toneOf(state: string): "plain" | "good" | "bad" | "warn" {
  return tones[state] ?? "plain";
}

/** What a manager may do with an order; paying back is the owner's. */
export function deedsOf(order: Pick<ManagedOrder, "state" | "paid_at">, owner: boolean): ("approve" | "remove" | "refund")[] {
  const deeds: ("approve" | "remove" | "refund")[] = [];
  if (order.state === "held") deeds.push("approve");
  if (order.state === "held" || order.state === "shown") deeds.push("remove");
  if (owner && order.paid_at !== null && ["held", "shown", "removed", "disputed"].includes(order.state)) deeds.push("refund");
  return deeds;
}
