import { createContext, use, useEffect, useMemo, type ReactNode } from "react";
import { browserLanguage, translator, type Language, type Translate } from "../i18n";
import { usePreferences } from "./preferences";

type Speech = { language: Language; t: Translate };

const Context = createContext<Speech>({ language: "en", t: translator("en") });

/** Gives the tree its language: the chosen one, else the browser's. */
export function LanguageProvider({ children }: { children: ReactNode }) {
  const language = usePreferences().language ?? browserLanguage(navigator.languages);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const speech = useMemo(() => ({ language, t: translator(language) }), [language]);
  return <Context value={speech}>{children}</Context>;
}

export function useLanguage(): Speech {
  return use(Context);
}

export function useT(): Translate {
  return use(Context).t;
}
