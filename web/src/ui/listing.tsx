import type { ReactNode } from "react";
import type { Listing } from "../store/pages";
import { useT } from "../store/language";
import { Button } from "./button";
import { Rows } from "./section";
import { Failed, Loading } from "./states";

/** A list in its states: loading, failed, empty, and with more to come. */
export function ListOf<Item>({ list, row, empty }: { list: Listing<Item>; row: (item: Item) => ReactNode; empty: ReactNode }) {
  const t = useT();
  if (!list.items) return list.error ? <Failed error={list.error} retry={list.reload} /> : <Loading />;
  if (list.items.length === 0) return empty;
  return (
    <>
      <Rows>{list.items.map(row)}</Rows>
      {list.more && (
        <div className="mt-4 text-center">
          <Button onClick={list.more}>{t("more")}</Button>
        </div>
      )}
    </>
  );
}
