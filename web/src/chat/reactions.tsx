import { useEffect, useState } from "react";
import { serverNow } from "../api/time";
import { pictureWall } from "../player/behind";
import { useT } from "../store/language";
import { sayRefusal } from "./say";
import { refusalIn, useRoom, useStore } from "./store";

/** Shown where the channel's own map could not be asked. */
const USUAL = ["🎉", "❤️", "👏", "🔥", "😂"];
const SHOWN = 5;

/** One tap sets off an effect over everybody's picture. */
export function Reactions() {
  const t = useT();
  const store = useStore();
  const { you, settings } = useRoom();
  const [emoji, setEmoji] = useState(USUAL);
  const wanted = settings?.effects === true && you?.can.includes("effects") === true;
  useEffect(() => {
    if (!wanted) return;
    store.call("effect.map").then(
      (answer) => {
        const map = (answer as { emoji?: Record<string, string> }).emoji;
        if (map && Object.keys(map).length > 0) setEmoji(Object.keys(map).slice(0, SHOWN));
      },
      () => undefined,
    );
  }, [store, wanted]);
  if (!wanted) return null;
  const send = (each: string) =>
    store.call("effect.send", { emoji: each, wall: Math.round(pictureWall(serverNow())) }).catch((error: unknown) => {
      const refusal = refusalIn(error);
      if (refusal) store.say(sayRefusal(t, refusal));
    });
  return (
    <div role="group" aria-label={t("chat.reactions")} className="flex shrink-0 gap-1.5 px-4 pt-2">
      {emoji.map((each) => (
        <button key={each} type="button" aria-label={t("chat.react", { emoji: each })} onClick={() => void send(each)} className="h-11 flex-1 rounded-full bg-raised text-[1.0625rem] transition hover:brightness-110 active:scale-95 md:h-9">
          {each}
        </button>
      ))}
    </div>
  );
}
