import { useEffect, useRef } from "react";
import { useT } from "../../store/language";
import type { Capture } from "./capture";

const EVERY_MS = 80;

/** How loud the sound is. Painted without React: it moves a dozen times a second. */
export function Level({ capture }: { capture: Capture | null }) {
  const t = useT();
  const bar = useRef<HTMLSpanElement>(null);
  const meter = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    if (!capture) return undefined;
    let shown = 0;
    const timer = window.setInterval(() => {
      shown = Math.max(capture.level(), shown * 0.85);
      const percent = Math.round(shown * 100);
      if (bar.current) bar.current.style.clipPath = `inset(0 ${100 - percent}% 0 0)`;
      meter.current?.setAttribute("aria-valuenow", String(percent));
    }, EVERY_MS);
    return () => window.clearInterval(timer);
  }, [capture]);
  return (
    <span ref={meter} role="meter" aria-label={t("camera.level")} aria-valuemin={0} aria-valuemax={100} aria-valuenow={0} className="block h-2 overflow-hidden rounded-full bg-raised">
      <span ref={bar} className="block size-full bg-good [clip-path:inset(0_100%_0_0)]" />
    </span>
  );
}
