import { CircleCheck, TriangleAlert } from "lucide-react";
import type { Finding, LiveStream } from "../api/types";
import type { Key, Translate } from "../i18n";
import { bitrate } from "../i18n/moments";
import { useT } from "../store/language";
import { classes } from "../ui/classes";

const codes = ["keyframe_interval", "no_audio", "no_video", "variable_frame_rate", "bitrate_starving", "b_frames", "picture_remade", "unsupported_codec", "timestamps", "slow_start"] as const;
type Code = (typeof codes)[number];

function known(code: string): code is Code {
  return (codes as readonly string[]).includes(code);
}

/** A finding as two sentences: what is wrong, and what to do. */
export function sentencesOf(t: Translate, finding: Finding): [what: string, todo: string] {
  const key = `health.${known(finding.code) ? finding.code : "other"}` as const;
  const steps = finding.value < 10 ? 10 : 1;
  const values = { n: Math.round(finding.value * steps) / steps, code: finding.code, detail: finding.detail || "?" };
  return [t(key, values), t(`${key}.text` satisfies Key, values)];
}

function Sentence({ good, title, text }: { good: boolean; title: string; text: string }) {
  const Icon = good ? CircleCheck : TriangleAlert;
  return (
    <li className={classes("flex gap-3 rounded-m px-4 py-3.5", good ? "bg-good-soft text-good" : "bg-warn-soft text-warn")}>
      <Icon size={20} className="mt-px shrink-0" aria-hidden />
      <p className="text-m text-ink">
        <b className="font-semibold">{title}</b> {text}
      </p>
    </li>
  );
}

/** How the broadcast is, in sentences. */
export function Health({ stream }: { stream: LiveStream }) {
  const t = useT();
  const video = stream.tracks.find((track) => track.kind === "video");
  const size = video ? `${video.width}×${video.height}` : "–";
  const facts = { size, fps: String(Math.round(stream.fps)), bitrate: bitrate(stream.bitrate_bps) };
  return (
    <ul className="flex flex-col gap-2.5" aria-live="polite">
      {stream.health.length === 0 && <Sentence good title={t("health.good")} text={t("health.good.text", facts)} />}
      {stream.health.map((finding) => {
        const [what, todo] = sentencesOf(t, finding);
        return <Sentence key={finding.code + finding.detail} good={false} title={what} text={todo} />;
      })}
    </ul>
  );
}
