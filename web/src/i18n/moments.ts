import { localeOf, type Language, type Translate } from "./index";

/** `1:42:07` or `0:09`, for a running time in seconds. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = `${String(m).padStart(h ? 2 : 1, "0")}:${String(s).padStart(2, "0")}`;
  return h ? `${h}:${tail}` : tail;
}

/** "live for 1 h 42 min", from a time in seconds. */
export function liveFor(t: Translate, seconds: number): string {
  const minutes = Math.max(0, Math.floor(seconds / 60));
  if (minutes === 0) return t("since.now");
  return minutes < 60 ? t("since.minutes", { m: minutes }) : t("since.hours", { h: Math.floor(minutes / 60), m: minutes % 60 });
}

/** "3 hours ago"; `now` in milliseconds. */
export function ago(t: Translate, moment: string, now: number): string {
  const minutes = Math.floor((now - Date.parse(moment)) / 60_000);
  if (minutes < 1) return t("ago.now");
  if (minutes < 60) return t("ago.minutes", { n: minutes });
  if (minutes < 48 * 60) return t("ago.hours", { n: Math.floor(minutes / 60) });
  return t("ago.days", { n: Math.floor(minutes / 1440) });
}

/** The time of day of a moment, `19:42`. */
export function timeOfDay(language: Language, moment: string): string {
  return new Date(moment).toLocaleTimeString(localeOf(language), { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

/** Date and time, short. */
export function dateTime(language: Language, moment: string): string {
  return new Date(moment).toLocaleString(localeOf(language), { dateStyle: "medium", timeStyle: "short" });
}

/** `6.1 Mbit/s`, `128 kbit/s`: the number and its unit stay on one line. */
export function bitrate(bps: number): string {
  return bps >= 1e6 ? `${(bps / 1e6).toFixed(1)}\u00a0Mbit/s` : `${Math.round(bps / 1e3)}\u00a0kbit/s`;
}

/** `1.5 GB`. */
export function bytes(count: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  const power = count > 0 ? Math.min(Math.floor(Math.log(count) / Math.log(1024)), units.length - 1) : 0;
  const value = count / 1024 ** power;
  return `${value >= 100 || power === 0 ? Math.round(value) : value.toFixed(1)} ${units[power] ?? ""}`;
}
