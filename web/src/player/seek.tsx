import { useState } from "react";
import { clock } from "../i18n/moments";
import { useT } from "../store/language";

/** The DVR bar: its right end is live, its left end as far back as the server keeps; value is seconds from the left. */
export function SeekBar({ windowS, behindS, onSeek }: { windowS: number; behindS: number; onSeek: (behindS: number) => void }) {
  const t = useT();
  const [dragging, setDragging] = useState<number | null>(null);
  const behind = Math.min(windowS, dragging ?? behindS);
  // Whole seconds, as the element keeps them: else it reports our own value back as somebody's wish.
  const value = Math.round(windowS - behind);
  const said = behind < 3 ? t("player.seek.live") : t("player.seek.behind", { time: clock(behind) });
  const settle = () => {
    if (dragging === null) return;
    onSeek(dragging);
    setDragging(null);
  };
  return (
    <div className="relative">
      {dragging !== null && <span className="num on-picture absolute -top-7 left-1/2 -translate-x-1/2">{said}</span>}
      <input
        type="range"
        min={0}
        max={windowS}
        step={1}
        value={value}
        aria-label={t("player.seek")}
        aria-valuetext={said}
        onChange={(event) => setDragging(windowS - Number(event.target.value))}
        onPointerUp={settle}
        onKeyUp={settle}
        onBlur={settle}
        className="slider -my-2.5 h-11 w-full md:my-0 md:h-6"
        style={{ "--fill": `${windowS > 0 ? (value / windowS) * 100 : 100}%` }}
      />
    </div>
  );
}
