import type { Room } from "./room";
import { atLeast } from "./wire";

/** Why the composer is shut, in the words of the refusals; `value` is seconds to go. */
export type Gate = { word: "connecting" | "ended" | "banned" | "timed_out" | "frozen" | "guests_off" | "followers_only" | "subscribers_only" | "forbidden"; value: number | null };

/** Whether this page may write now: null, or why not. `now` by the server's clock, in ms. */
export function gateOf({ link, you, settings }: Room, now: number): Gate | null {
  if (link.state === "ended") return { word: "ended", value: null };
  if (!you || !settings) return { word: "connecting", value: null };
  if (you.muted && (you.muted.until === null || you.muted.until > now)) {
    const left = you.muted.until === null ? null : Math.ceil((you.muted.until - now) / 1000);
    return { word: left === null ? "banned" : "timed_out", value: left };
  }
  if (atLeast(you.role, "manager")) return null;
  if (!settings.guests && you.role === "guest") return { word: "guests_off", value: null };
  if (frozenFor(settings.frozen, you.role)) return { word: "frozen", value: null };
  if (settings.subscribers_only && !atLeast(you.role, "subscriber")) return { word: "subscribers_only", value: null };
  if (settings.followers_min !== null && !atLeast(you.role, "subscriber")) {
    if (you.followed_at === null) return { word: "followers_only", value: null };
    const left = Math.ceil((you.followed_at + settings.followers_min * 60_000 - now) / 1000);
    if (left > 0) return { word: "followers_only", value: left };
  }
  return null;
}

function frozenFor(frozen: string, role: "guest" | "viewer" | "subscriber" | "vip" | "manager" | "broadcaster" | "owner"): boolean {
  if (frozen === "all") return true;
  if (frozen === "guests") return role === "guest";
  if (frozen === "viewers") return !atLeast(role, "subscriber");
  return frozen === "subscribers" && !atLeast(role, "vip");
}

/** Seconds until slow mode lets this page write again; 0 where it may. */
export function slowFor({ you, settings, entries }: Room, now: number): number {
  if (!you || !settings || settings.slow_s === 0 || atLeast(you.role, "vip")) return 0;
  let last = 0;
  for (let at = entries.length - 1; at >= 0 && last === 0; at--) {
    const entry = entries[at];
    if (entry?.message.user.id === you.id && entry.message.kind !== "system" && (entry.own === null || entry.own.state === "held")) last = entry.message.at;
  }
  const bySaid = last === 0 ? 0 : Math.ceil((last + settings.slow_s * 1000 - now) / 1000);
  return Math.min(Math.max(0, bySaid), settings.slow_s);
}
