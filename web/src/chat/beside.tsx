import type { Channel } from "../api/types";
import { EffectsOver } from "../effects/layer";
import { prefer } from "../store/preferences";
import { Chat } from "./panel";
import { useServerRoom } from "./use";

/** The chat on the watch page: beside the picture, on a phone beneath it. `layer` is where effects are drawn. */
export function ChatBeside({ channel, layer, onFollow }: { channel: Channel; layer: HTMLElement | null; onFollow: (() => void) | null }) {
  const store = useServerRoom(channel.id);
  return (
    <>
      <EffectsOver store={store} layer={layer} />
      <Chat store={store} name={channel.name} slug={channel.slug} onHide={() => prefer({ chat: "hidden" })} popout onFollow={onFollow} />
    </>
  );
}
