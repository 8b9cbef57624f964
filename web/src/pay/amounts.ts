import type { components } from "../api/schema";

export type Offer = components["schemas"]["Offer"];
export type Price = components["schemas"]["Price"];
export type Tier = components["schemas"]["Tier"];
export type PaidOrder = components["schemas"]["PaidOrder"];

export type Wish = { amount: number; currency: string; provider: string; nonce: string; text: string; anonymous: boolean };
export type Order = (wish: Wish) => Promise<string>;

/** Why an order was not taken, as a sentence. */
export class Refused extends Error {}

/** The tier that an amount buys, or null for an amount that cannot be. */
export function tierOf(price: Price, amount: number): Tier | null {
  const least = price.tiers[0];
  if (!least || !Number.isInteger(amount) || amount < least.amount || amount > price.most || amount % price.step !== 0) return null;
  return price.tiers.findLast((tier) => tier.amount <= amount) ?? null;
}

/** Decimal digits of the currencies that rooms collect in. */
export const DIGITS = { KRW: 0, USD: 2 } as const;
export type Currency = keyof typeof DIGITS;

/** What somebody typed, in the smallest unit of a currency; NaN for what is no amount. */
export function amountIn(currency: Currency, text: string): number {
  return parsed({ digits: DIGITS[currency] }, text);
}

/** An amount as somebody would type it. */
export function typed(amount: number, currency: Currency): string {
  return (amount / 10 ** DIGITS[currency]).toFixed(DIGITS[currency]);
}

/** What somebody typed, in the smallest unit; NaN for what is no amount. */
export function parsed(price: Pick<Price, "digits">, text: string): number {
  const plain = text.replace(/[\s,]/g, "");
  const pattern = price.digits > 0 ? new RegExp(`^\\d{1,9}(\\.\\d{0,${price.digits}})?$`) : /^\d{1,9}$/;
  return pattern.test(plain) ? Math.round(Number(plain) * 10 ** price.digits) : Number.NaN;
}

/** The amounts that are offered as buttons: where each tier begins, but the smallest four above a line's worth. */
export function offered(price: Price): Tier[] {
  return price.tiers.slice(0, 8);
}

/** Amounts by which people of a language pay. */
export function usualPrice(offer: Offer, language: "en" | "ko"): Price | null {
  const wanted = language === "ko" ? "KRW" : "USD";
  return offer.prices.find((price) => price.currency === wanted) ?? offer.prices[0] ?? null;
}
