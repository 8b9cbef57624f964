import { useEffect, useMemo } from "react";
import { ServerLine } from "../chat/line";
import { RoomStore } from "../chat/store";
import { EffectsOver } from "../effects/layer";

/** Effects of a channel over a picture without a chat: of the room's events the page is told of these alone. */
export function EffectsAlone({ channel, token, layer }: { channel: string; token: string; layer: HTMLElement | null }) {
  const store = useMemo(() => new RoomStore(channel, () => new ServerLine({ channel, nick: () => "", token, kind: "fx" })), [channel, token]);
  useEffect(() => {
    store.open();
    return () => store.close();
  }, [store]);
  return <EffectsOver store={store} layer={layer} />;
}
