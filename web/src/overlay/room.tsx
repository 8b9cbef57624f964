import { api } from "../api/client";
import type { components } from "../api/schema";
import { EmojiMap } from "./map";
import { useT } from "../store/language";
import { useResource } from "../store/resource";
import { PageHead } from "../ui/section";
import { Failed, Loading } from "../ui/states";
import { OverlayOptions } from "./options";
import { OverlayPanel } from "./panel";

type Overlay = components["schemas"]["Overlay"];

/** `/studio/stage`: what emoji set off, the overlays' addresses, and how overlays look and sound. */
export function StageRoom({ slug }: { slug: string }) {
  const t = useT();
  const found = useResource<Overlay>(slug, () => api.get(`/channels/${encodeURIComponent(slug)}/overlay`));
  if (!found.value) return found.error ? <Failed page error={found.error} retry={found.reload} /> : <Loading />;
  return (
    <div className="max-w-[760px]">
      <PageHead title={t("stage.title")} text={t("stage.text")} />
      <EmojiMap slug={slug} />
      <OverlayPanel slug={slug} overlay={found.value} onTurned={found.put} />
      <OverlayOptions slug={slug} first={found.value.options} />
    </div>
  );
}
