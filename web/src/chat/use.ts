import { useEffect, useMemo } from "react";
import { useMe } from "../store/me";
import { preferences } from "../store/preferences";
import { ServerLine } from "./line";
import { RoomStore } from "./store";

/**
 * The channel's room on the server, for as long as it is on the page; anew when somebody signs in or out. Null while
 * the channel or the visitor is not known yet. `guest` asks for nobody's session: a frame of another site has none.
 */
export function useServerRoom(channel: string, { token = "", guest = false }: { token?: string; guest?: boolean } = {}): RoomStore | null {
  const { me } = useMe();
  const who = guest ? "guest" : me === undefined ? null : (me?.account.id ?? "guest");
  const store = useMemo(
    () => (who === null || channel === "" ? null : new RoomStore(channel, () => new ServerLine({ channel, nick: () => preferences().nick ?? "", token }))),
    [channel, token, who],
  );
  useEffect(() => {
    store?.open();
    return () => store?.close();
  }, [store]);
  return store;
}
