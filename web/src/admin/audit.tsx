import type { FeedEvent } from "../api/types";
import type { Key, Translate } from "../i18n";
import { admin } from "../i18n/en.admin";
import { dateTime } from "../i18n/moments";
import { useNames } from "../store/happenings";
import { useLanguage } from "../store/language";
import { useListing } from "../store/pages";
import { sayHappening } from "../studio/log";
import { ListOf } from "../ui/listing";
import { PageHead, Row } from "../ui/section";

/** The words for this kind, if the site's log has its own; what happens in a channel is said as its studio says it. */
function keyOf(kind: string): Key | null {
  const key = `audit.${kind}`;
  return key in admin ? (key as Key) : null;
}

/** One line of the log as a sentence; the kind itself where nothing better is known. */
export function auditSentence(t: Translate, line: FeedEvent, nameOf: (id: unknown) => string | null): string {
  const key = keyOf(line.kind);
  if (key === null) return sayHappening(t, line, t("audit.server")) ?? line.kind;
  const named = (value: unknown) => (typeof value === "string" && value !== "" ? value : null);
  return t(key, {
    who: line.actor ? line.actor.display_name || line.actor.name : t("audit.server"),
    target: nameOf(line.data["account"]) ?? named(line.data["name"]) ?? t("audit.someone"),
    channel: nameOf(line.channel_id) ?? named(line.data["slug"]) ?? t("audit.channel"),
    peer: line.peer,
  });
}

/** Who did what on the site. The kinds stand below the sentences in the API's words, so that they can be searched for. */
export function AuditRoom() {
  const { t, language } = useLanguage();
  const lines = useListing<FeedEvent>("/audit");
  const nameOf = useNames();
  const row = (line: FeedEvent) => {
    const channel = keyOf(line.kind) === null ? nameOf(line.channel_id) : null;
    const facts = [dateTime(language, line.at), channel, line.peer].filter(Boolean).join(" · ");
    return (
      <Row
        key={line.id}
        title={auditSentence(t, line, nameOf)}
        note={
          <>
            {facts} · <code className="font-mono">{line.kind}</code>
          </>
        }
      />
    );
  };
  return (
    <div className="max-w-[820px]">
      <PageHead title={t("admin.log")} text={t("audit.text")} />
      <ListOf list={lines} row={row} empty={null} />
    </div>
  );
}
