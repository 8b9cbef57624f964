import { useEffect } from "react";
import { serverNow } from "../api/time";
import { usePreferences } from "../store/preferences";
import type { Effect } from "./effect";
import { EffectStage } from "./stage";
import { Cues } from "./when";

const LOOK_MS = 250;

type Source = { onEffect: (listener: (effect: Effect) => void) => () => void };

/** Effects of a room over a picture: `layer` lies over it. Nothing is drawn where the viewer switched them off. */
export function EffectsOver({ store, layer }: { store: Source | null; layer: HTMLElement | null }) {
  const { effects } = usePreferences();
  useEffect(() => {
    if (!store || !layer || effects === "off") return undefined;
    const stage = new EffectStage(layer);
    const cues = new Cues((effect) => stage.draw(effect), serverNow);
    const leave = store.onEffect((effect) => cues.hear(effect));
    const timer = setInterval(() => cues.tick(), LOOK_MS);
    return () => {
      leave();
      clearInterval(timer);
      stage.stop();
    };
  }, [store, layer, effects]);
  return null;
}
