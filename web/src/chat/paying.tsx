import { PayButton } from "../pay/button";
import { Refused, type Wish } from "../pay/amounts";
import { useT } from "../store/language";
import { sayRefusal } from "./say";
import { refusalIn, useRoom, useStore } from "./store";

/** The way to a paid message, where the room takes them. */
export function Paying({ slug, name }: { slug: string; name: string }) {
  const t = useT();
  const store = useStore();
  const { you, settings } = useRoom();
  if (settings?.paid !== true || you?.can.includes("paid") !== true) return null;
  const order = async (wish: Wish) => {
    try {
      return ((await store.call("paid.order", wish)) as { order: string }).order;
    } catch (error) {
      const refusal = refusalIn(error);
      throw refusal ? new Refused(sayRefusal(t, refusal)) : error;
    }
  };
  return <PayButton slug={slug} name={name} order={order} />;
}
