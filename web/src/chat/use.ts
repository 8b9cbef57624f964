import { useEffect, useMemo } from "react";
import { useMe } from "../store/me";
import { preferences } from "../store/preferences";
import { ServerLine } from "./line";
import { RoomStore } from "./store";

/** The channel's room on the server, for as long as it is on the page; anew when somebody signs in or out. */
export function useServerRoom(channel: string, token = ""): RoomStore | null {
  const { me } = useMe();
  const who = me === undefined ? null : (me?.account.id ?? "guest");
  const store = useMemo(
    () => (who === null ? null : new RoomStore(channel, () => new ServerLine({ channel, nick: () => preferences().nick ?? "", token }))),
    [channel, token, who],
  );
  useEffect(() => {
    store?.open();
    return () => store?.close();
  }, [store]);
  return store;
}
