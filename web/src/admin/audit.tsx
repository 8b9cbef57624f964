import type { FeedEvent } from "../api/types";
import { dateTime } from "../i18n/moments";
import { useLanguage } from "../store/language";
import { useListing } from "../store/pages";
import { ListOf } from "../ui/listing";
import { PageHead, Row } from "../ui/section";

/** Who did what on the site. The kinds stay in the API's own words, so that they can be searched for. */
export function AuditRoom() {
  const { t, language } = useLanguage();
  const lines = useListing<FeedEvent>("/audit");
  const row = (line: FeedEvent) => {
    const facts = Object.entries(line.data).map(([name, value]) => `${name} ${String(value)}`);
    const who = line.actor ? line.actor.display_name || line.actor.name : null;
    return <Row key={line.id} title={<code className="font-mono text-m font-medium">{line.kind}</code>} note={[dateTime(language, line.at), who, line.peer, ...facts].filter(Boolean).join(" · ")} />;
  };
  return (
    <div className="max-w-[820px]">
      <PageHead title={t("admin.log")} text={t("audit.text")} />
      <ListOf list={lines} row={row} empty={null} />
    </div>
  );
}
