import { useEffect } from "react";
import { useT } from "../store/language";

/** The title of the browser's tab. */
export function useTitle(text: string): void {
  const site = useT()("site.name");
  useEffect(() => {
    document.title = text ? `${text} · ${site}` : site;
  }, [text, site]);
}
