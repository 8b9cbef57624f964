import { useState } from "react";
import { Link } from "wouter";
import { api } from "../api/client";
import type { LiveStream } from "../api/types";
import { bitrate, clock } from "../i18n/moments";
import { useT } from "../store/language";
import { useListing } from "../store/pages";
import { Button } from "../ui/button";
import { Confirm } from "../ui/confirm";
import { TextField } from "../ui/form";
import { ListOf } from "../ui/listing";
import { Chip, LiveBadge } from "../ui/marks";
import { Poster } from "../ui/poster";
import { PageHead, Row } from "../ui/section";
import { Notice } from "../ui/states";

/** Who is live, from where, and the way to send them away. */
export function StreamsRoom() {
  const t = useT();
  const streams = useListing<LiveStream>("/streams", {}, { everyMs: 3000 });
  const [kicked, setKicked] = useState<LiveStream | null>(null);
  const [reason, setReason] = useState("");
  const row = (stream: LiveStream) => (
    <Row
      key={stream.channel_id}
      lead={
        <span className="block aspect-video w-24 shrink-0 overflow-hidden rounded-s max-sm:hidden">
          <Poster slug={stream.slug} />
        </span>
      }
      title={
        <>
          <Link href={`/@${stream.slug}`} className="inline-flex min-h-11 min-w-11 items-center hover:underline md:min-h-0 md:min-w-0">
            {stream.title || stream.name}
          </Link>
          {stream.state === "live" ? <LiveBadge /> : <Chip tone="warn">{t("watch.reconnecting")}</Chip>}
        </>
      }
      note={
        <>
          {stream.name} · {t("viewers.count", { n: stream.viewers })} · {bitrate(stream.bitrate_bps)} · {clock(stream.uptime_s)}
          <br />
          {t("streams.from", { peer: stream.publisher.peer, door: stream.publisher.door.toUpperCase() })}
          {stream.publisher.user_agent && ` · ${stream.publisher.user_agent}`}
        </>
      }
    >
      <Button look="danger" onClick={() => setKicked(stream)}>
        {t("streams.kick")}
      </Button>
    </Row>
  );
  return (
    <div className="max-w-[920px]">
      <PageHead title={t("admin.streams")} />
      <ListOf list={streams} row={row} empty={<Notice title={t("streams.empty")}>{t("streams.empty.text")}</Notice>} />
      {kicked && (
        <Confirm
          open
          title={t("streams.kick.title", { name: kicked.name })}
          action={t("streams.kick")}
          onClose={() => setKicked(null)}
          work={async () => {
            await api.post(`/channels/${kicked.channel_id}/kick`, { reason });
            setReason("");
            streams.reload();
          }}
        >
          <p className="mb-4">{t("streams.kick.text")}</p>
          <TextField label={`${t("streams.kick.reason")} (${t("optional")})`} value={reason} onText={setReason} maxLength={200} />
        </Confirm>
      )}
    </div>
  );
}
