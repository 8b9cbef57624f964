import { localeOf, type Language } from "./index";

/** An amount in minor units as the language writes it: `₩10,000`, `$5.00`. */
export function money(language: Language, amount: number, currency: string): string {
  try {
    const format = new Intl.NumberFormat(localeOf(language), { style: "currency", currency, currencyDisplay: "narrowSymbol" });
    return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
  } catch {
    return `${amount} ${currency}`;
  }
}
