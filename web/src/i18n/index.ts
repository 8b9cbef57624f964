import { en } from "./en";
import { ko } from "./ko";

export type Key = keyof typeof en;
export type Dictionary = Record<Key, string>;
export type Language = "en" | "ko";
export type Values = Record<string, string | number>;
/** Says `key` in the reader's language, with numbers written as that language writes them. */
export type Translate = (key: Key, values?: Values) => string;

const dictionaries: Record<Language, Dictionary> = { en, ko };

const locales: Record<Language, string> = { en: "en-US", ko: "ko-KR" };

/** The language of the browser, as far as we speak it. */
export function browserLanguage(languages: readonly string[]): Language {
  const known = languages.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag === "ko" || tag === "en");
  return known === "ko" ? "ko" : "en";
}

export function localeOf(language: Language): string {
  return locales[language];
}

/** A translator for one language. `{n}` is replaced by a value, `{n|one|many}` chosen by its number. */
export function translator(language: Language): Translate {
  const words = dictionaries[language];
  const numbers = new Intl.NumberFormat(locales[language]);
  return (key, values = {}) =>
    words[key].replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (whole, name: string, one?: string, many?: string) => {
      const value = values[name];
      if (value === undefined) return whole;
      if (one !== undefined && many !== undefined) return value === 1 ? one : many;
      return typeof value === "number" ? numbers.format(value) : value;
    });
}
