import type { Message, Paid } from "../chat/wire";

/** What an alert shows and says. */
export type Alert = { id: string; name: string; amount: number; currency: string; text: string; color: string; test: boolean };
export type Options = { least_krw: number; least_usd: number; shown_s: number; speech: boolean; volume: number; voice: "ko" | "en" | "auto"; lines: number };

/** Further ones wait; beyond this the oldest that wait are left out. */
const MOST = 100;

/** Alerts one after another; each is shown for its time and then gone. */
export class AlertQueue {
  private waiting: Alert[] = [];
  private readonly seen = new Set<string>();
  shown: Alert | null = null;
  private until = 0;
  private gapUntil = 0;

  constructor(private readonly onShow: (alert: Alert | null) => void) {}

  add(alert: Alert): void {
    if (this.seen.has(alert.id)) return;
    this.seen.add(alert.id);
    if (this.seen.size > 1000) this.seen.delete(this.seen.values().next().value ?? "");
    this.waiting = [...this.waiting.slice(1 - MOST), alert];
  }

  /** A message that was taken down is not shown any more. */
  forget(ids: readonly string[]): void {
    this.waiting = this.waiting.filter((alert) => !ids.includes(alert.id));
    if (this.shown && ids.includes(this.shown.id)) this.until = 0;
  }

  tick(now: number, shownS: number): void {
    if (this.shown && now >= this.until) {
      this.shown = null;
      this.gapUntil = now + 1000;
      this.onShow(null);
    }
    if (this.shown || now < this.gapUntil) return;
    const next = this.waiting.shift();
    if (!next) return;
    this.shown = next;
    this.until = now + shownS * 1000;
    this.onShow(next);
  }

  get length(): number {
    return this.waiting.length;
  }
}

/** The alert of a paid message; null for less than the host wants to hear of. */
export function alertOf(message: { id: string; text: string; paid: Paid & { color?: string }; user?: Message["user"] }, options: Options): Alert | null {
  const { paid } = message;
  const least = paid.currency === "KRW" ? options.least_krw : options.least_usd;
  if (paid.amount < least) return null;
  return { id: message.id, name: message.user?.name ?? "", amount: paid.amount, currency: paid.currency, text: message.text, color: paid.color ?? "#ffca28", test: paid.test ?? false };
}
