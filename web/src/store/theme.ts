import { useEffect } from "react";
import { usePreferences } from "./preferences";

const light = matchMedia("(prefers-color-scheme: light)");

/** Keeps `data-theme` on the root: the chosen theme, else the system's, also when that changes. */
export function useTheme(): void {
  const chosen = usePreferences().theme;
  useEffect(() => {
    const apply = () => {
      document.documentElement.dataset["theme"] = chosen ?? (light.matches ? "light" : "dark");
    };
    apply();
    light.addEventListener("change", apply);
    return () => light.removeEventListener("change", apply);
  }, [chosen]);
}
