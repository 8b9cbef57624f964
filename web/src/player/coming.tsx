import { LoaderCircle } from "lucide-react";
import { useEffect, useState } from "react";
import type { Key } from "../i18n";
import { useT } from "../store/language";

/** A picture that has not come by then does not come soon: the viewer is told what may be done. */
const LATE_MS = 6000;

/** The picture is not there: at first just that it comes, and after a while what may be in its way. */
export function Coming({ reconnecting, stalled }: { reconnecting: boolean; stalled: boolean }) {
  const t = useT();
  const late = useLate() && !reconnecting;
  const title: Key = reconnecting ? "watch.reconnecting" : late ? "watch.late" : stalled ? "watch.network" : "watch.waiting";
  const quiet = title === "watch.waiting";
  return (
    <div role="status" className="pointer-events-none absolute inset-0 grid place-items-center p-4 text-center">
      <div className="flex animate-[appear_.2s_.6s_both] flex-col items-center gap-3">
        <LoaderCircle size={36} className="animate-spin" aria-hidden />
        <div className={quiet ? "sr-only" : "on-picture max-w-[46ch]"}>
          <p>{t(title)}</p>
          {late && <p className="mt-0.5 pb-1 font-normal text-balance text-white/80">{t(navigator.onLine ? "watch.late.text" : "watch.late.offline")}</p>}
        </div>
      </div>
    </div>
  );
}

function useLate(): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), LATE_MS);
    return () => clearTimeout(timer);
  }, []);
  return late;
}
