import type { components } from "../api/schema";

type PayWindow = components["schemas"]["PayWindow"];

/** What Toss Payments' script gives; https://docs.tosspayments.com/sdk/v2/js. */
type Toss = {
  (clientKey: string): { payment: (who: { customerKey: string }) => { requestPayment: (wish: Record<string, unknown>) => Promise<void> } };
  ANONYMOUS: string;
};

/** Goes to the provider's page, or lets its script open its window; resolves only when the page stays. */
export async function openWindow(opened: PayWindow): Promise<void> {
  if (opened.url) {
    location.assign(opened.url);
    await new Promise(() => undefined);
  }
  await load(opened.script);
  const { settings } = opened;
  const toss = (window as unknown as { TossPayments: Toss }).TossPayments;
  await toss(String(settings["clientKey"]))
    .payment({ customerKey: toss.ANONYMOUS })
    .requestPayment({
      method: "CARD",
      amount: { currency: settings["currency"], value: settings["amount"] },
      orderId: settings["orderId"],
      orderName: settings["orderName"],
      successUrl: settings["successUrl"],
      failUrl: settings["failUrl"],
    });
}

function load(source: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = source;
    script.onload = () => resolve();
    script.onerror = () => reject(new Error("the provider's script does not load"));
    document.head.append(script);
  });
}
