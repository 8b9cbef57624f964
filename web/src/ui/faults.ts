import type { Key, Translate } from "../i18n";

/** What is wrong with a field, by the server's code. */
const words: Record<string, Key> = {
  taken: "taken",
  name_empty: "name.empty",
  name_missing: "name.empty",
  password_short: "password.short",
  string_too_short: "password.short",
  no_such_user: "people.nobody",
};

export function sayFault(t: Translate, code: string | null): string | null {
  return code === null ? null : t(words[code] ?? "field.invalid");
}
