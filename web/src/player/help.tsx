import type { Key } from "../i18n";
import { useT } from "../store/language";
import { Dialog } from "../ui/dialog";

const rows: [string[], Key][] = [
  [["key.space"], "help.play"],
  [["M"], "help.mute"],
  [["F"], "help.fullscreen"],
  [["T"], "help.theatre"],
  [["I"], "help.statistics"],
  [["P"], "help.pip"],
  [["L"], "help.live"],
  [["←", "→"], "help.seek"],
  [["↑", "↓"], "help.volume"],
  [["?"], "help.help"],
];

export function Help({ open, onClose }: { open: boolean; onClose: () => void }) {
  const t = useT();
  return (
    <Dialog open={open} onClose={onClose} title={t("player.help")}>
      <dl className="grid grid-cols-[auto_1fr] items-center gap-x-5 gap-y-2.5">
        {rows.map(([keys, what]) => (
          <div key={what} className="contents">
            <dt className="flex gap-1">
              {keys.map((key) => (
                <kbd key={key} className="grid h-7 min-w-7 place-items-center rounded-s border border-edge px-1.5 font-sans text-s font-semibold">
                  {key === "key.space" ? t(key) : key}
                </kbd>
              ))}
            </dt>
            <dd className="text-ink-2">{t(what)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
