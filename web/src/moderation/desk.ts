import { useEffect, useReducer } from "react";
import { api } from "../api/client";
import { useStore } from "../chat/store";
import type { AuditEntry, Held, Message, ModerationEvent, ModerationSnapshot, PaidHeld, Person } from "../chat/wire";
import type { ManagedOrder } from "../pay/states";

/** What waits for a manager, and what was done. */
export type Duty = { open: boolean; held: readonly Held[]; paid: readonly PaidHeld[]; shadowed: readonly Message[]; audit: readonly AuditEntry[] };

const KEPT = 200;
const SHADOWED = 30;

export const noDuty: Duty = { open: false, held: [], paid: [], shadowed: [], audit: [] };

/** The duty after an event; pure. */
export function after(duty: Duty, event: ModerationEvent): Duty {
  switch (event.t) {
    case "held":
      return { ...duty, held: [...duty.held.filter((each) => each.message.id !== event.message.id), event].slice(-KEPT) };
    case "resolved":
      return { ...duty, held: duty.held.filter((each) => each.message.id !== event.id) };
    case "shadow":
      return { ...duty, shadowed: [...duty.shadowed, event.message].slice(-SHADOWED) };
    case "audit":
      return { ...duty, audit: [event.entry, ...duty.audit.filter((each) => each.id !== event.entry.id)].slice(0, KEPT) };
    case "paid_held": {
      const others = duty.paid.filter((each) => each.order !== event.order);
      return { ...duty, paid: event.state === "held" ? [...others, event].slice(-KEPT) : others };
    }
    default:
      return duty;
  }
}

export function begun(duty: Duty, { held, audit }: ModerationSnapshot): Duty {
  return { ...duty, open: true, held, audit, paid: [] };
}

/** Paid messages that waited before the page was opened; what was heard meanwhile is newer. */
export function withWaiting(duty: Duty, waiting: readonly PaidHeld[]): Duty {
  const known = new Set(duty.paid.map((each) => each.order));
  return { ...duty, paid: [...waiting.filter((each) => !known.has(each.order)), ...duty.paid].slice(-KEPT) };
}

/** An order as the moderators are told of it. */
export function heldOf(order: ManagedOrder): PaidHeld {
  const { id, state, text, amount, currency, tier, test, reason } = order;
  const user: Person = order.anonymous ? { id: "", name: "", role: "viewer" } : { id: order.user, name: order.name, role: "viewer" };
  return { order: id, state, user, text, paid: { amount, currency, tier, test }, reason };
}

type Move = { event: ModerationEvent } | { snapshot: ModerationSnapshot } | { waiting: readonly PaidHeld[] };

function moved(duty: Duty, move: Move): Duty {
  if ("event" in move) return after(duty, move.event);
  return "snapshot" in move ? begun(duty, move.snapshot) : withWaiting(duty, move.waiting);
}

/** The eldest first; none where the channel's money cannot be asked about. */
async function waitingIn(channel: string): Promise<readonly PaidHeld[]> {
  const page = await api.get<{ items: ManagedOrder[] }>(`/channels/${channel}/superchat/orders`, { state: "held", limit: 100 });
  return page.items.map(heldOf).reverse();
}

/** Follows what managers of this room hear. */
export function useDuty(): Duty {
  const store = useStore();
  const [duty, move] = useReducer(moved, noDuty);
  useEffect(() => {
    let here = true;
    const ask = () =>
      waitingIn(store.channel).then(
        (waiting) => here && move({ waiting }),
        () => undefined,
      );
    const leave = store.moderate({
      onSnapshot: (snapshot) => {
        move({ snapshot });
        void ask();
      },
      onEvent: (event) => move({ event }),
    });
    return () => {
      here = false;
      leave();
    };
  }, [store]);
  return duty;
}
