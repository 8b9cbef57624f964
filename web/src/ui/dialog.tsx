import { X } from "lucide-react";
import { useEffect, useId, useRef, type ReactNode } from "react";
import { useT } from "../store/language";
import { IconButton } from "./button";
import { classes } from "./classes";

type Props = { open: boolean; onClose: () => void; title: string; children: ReactNode; wide?: boolean };

/** A modal dialog: the element's own focus trap, Escape and top layer (it stands above a full screen picture too). */
export function Dialog(props: Props) {
  return props.open ? <OpenDialog {...props} /> : null;
}

function OpenDialog({ onClose, title, children, wide }: Props) {
  const t = useT();
  const element = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    if (dialog && !dialog.open) dialog.showModal();
    // Where somebody is to write, not on the button that closes.
    dialog?.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => event.target === element.current && onClose()}
      className={classes(
        "m-auto max-h-[calc(100dvh-32px)] w-[calc(100vw-32px)] overflow-auto rounded-l bg-surface p-0 text-ink",
        wide ? "max-w-[640px]" : "max-w-[460px]",
      )}
    >
      <div className="flex items-center gap-3 pt-3 pr-3 pl-5">
        <h2 id={heading} className="flex-1 text-l font-bold">
          {title}
        </h2>
        <IconButton label={t("close")} onClick={onClose}>
          <X size={20} aria-hidden />
        </IconButton>
      </div>
      <div className="px-5 pt-2 pb-5">{children}</div>
    </dialog>
  );
}
