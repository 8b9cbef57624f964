import type { FeedEvent } from "../api/types";
import type { Key, Translate } from "../i18n";
import { timeOfDay } from "../i18n/moments";
import { useLanguage } from "../store/language";

const reasons = ["no_such_key", "revoked", "expired", "kicked", "disabled", "wrong_channel"] as const;

function sayReason(t: Translate, code: unknown): string {
  const known = reasons.find((each) => each === code);
  return t(known ? `reason.${known}` : "reason.other");
}

const kinds: Record<string, Key> = {
  "stream.began": "log.stream.began",
  "stream.lost": "log.stream.lost",
  "stream.resumed": "log.stream.resumed",
  "stream.ended": "log.stream.ended",
  "stream.ended_by": "log.stream.ended_by",
  "stream.kicked_by": "log.stream.kicked_by",
  "stream.second_publisher": "log.stream.second_publisher",
  "key.attempt_failed": "log.key.attempt_failed",
  "key.created": "log.key.created",
  "key.renamed": "log.key.renamed",
  "key.revealed": "log.key.revealed",
  "key.rotated": "log.key.rotated",
  "key.revoked": "log.key.revoked",
  "channel.created": "log.channel.created",
  "channel.updated": "log.channel.updated",
  "channel.visibility_changed": "log.channel.visibility_changed",
  "member.changed": "log.member.changed",
  "member.removed": "log.member.removed",
};

/** A line of the log as a sentence; null for what the studio does not tell. */
export function sentenceOf(t: Translate, line: FeedEvent): string | null {
  const { kind, actor } = line;
  // What the server did by itself when it was set up is no news.
  if (actor === null && (kind.startsWith("key.created") || kind.startsWith("channel.") || kind.startsWith("member."))) return null;
  return sayHappening(t, line, t("log.who"));
}

/** A line of a channel's log as a sentence, `nobody` where it was no account; null for kinds without words. */
export function sayHappening(t: Translate, { kind, data, peer, actor }: FeedEvent, nobody: string): string | null {
  const key = kinds[kind];
  if (key === undefined) return null;
  const text = (value: unknown) => (typeof value === "string" || typeof value === "number" ? value : "");
  return t(key, {
    who: actor ? actor.display_name || actor.name : nobody,
    peer,
    mask: text(data["mask"]),
    s: text(data["gap_s"]),
    n: typeof data["peak_viewers"] === "number" ? data["peak_viewers"] : 0,
    reason: sayReason(t, data["reason"]),
  });
}

export function Log({ lines }: { lines: FeedEvent[] }) {
  const { t, language } = useLanguage();
  const told = lines.flatMap((line) => {
    const sentence = sentenceOf(t, line);
    return sentence === null ? [] : [{ ...line, sentence }];
  });
  return (
    <section className="mt-6">
      <h2 className="mb-2.5 text-m font-semibold text-ink-2">{t("log.title")}</h2>
      {told.length === 0 && <p className="text-m text-ink-2">{t("log.empty")}</p>}
      <ol aria-live="polite" className="text-m">
        {told.slice(0, 12).map((line) => (
          <li key={line.id} className="flex gap-3 border-t border-line py-2.5 text-ink-2">
            <time dateTime={line.at} className="num w-13 shrink-0 text-ink-3">
              {timeOfDay(language, line.at)}
            </time>
            <span className="min-w-0">{line.sentence}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
