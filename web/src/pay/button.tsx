import { CircleDollarSign } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useT } from "../store/language";
import type { Order } from "./amounts";

const PayDialog = lazy(async () => ({ default: (await import("./dialog")).PayDialog }));

type Props = {
  slug: string;
  name: string;
  /** Orders a paid message; gives the order's id, or throws `Refused` with a sentence. */
  order: Order;
};

/** Opens the dialog of paid messages. */
export function PayButton({ slug, name, order }: Props) {
  const t = useT();
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" aria-label={t("pay.open")} title={t("pay.open")} onClick={() => setOpen(true)} className="grid size-11 shrink-0 place-items-center rounded-full text-money transition hover:bg-raised md:size-9">
        <CircleDollarSign size={20} aria-hidden />
      </button>
      {open && (
        <Suspense fallback={null}>
          <PayDialog slug={slug} name={name} order={order} onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
