import type { ReactNode } from "react";
import { useT } from "../store/language";
import { useSubmit } from "../store/submit";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { FormError } from "./form";
import { sayError } from "./states";

type Props = {
  open: boolean;
  title: string;
  action: string;
  onClose: () => void;
  work: () => Promise<unknown>;
  disabled?: boolean;
  /** Said instead of the server's own words. */
  say?: (error: unknown) => string | null;
  children?: ReactNode;
};

/** Asks before something that cannot be taken back. */
export function Confirm({ open, title, action, onClose, work, disabled, say, children }: Props) {
  const t = useT();
  const { busy, error, run, clear } = useSubmit();
  const close = () => {
    clear();
    onClose();
  };
  return (
    <Dialog open={open} onClose={close} title={title}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void run(work).then((done) => done && close());
        }}
      >
        <div className="text-ink-2">{children}</div>
        <FormError>{error ? (say?.(error) ?? sayError(t, error)) : null}</FormError>
        <div className="flex justify-end gap-2">
          <Button look="quiet" onClick={close}>
            {t("cancel")}
          </Button>
          <Button look="live" type="submit" disabled={busy || disabled}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
