import { useEffect, useReducer } from "react";
import { useStore } from "../chat/store";
import type { AuditEntry, Held, Message, ModerationEvent, ModerationSnapshot, PaidHeld } from "../chat/wire";

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
  return { ...duty, open: true, held, audit };
}

type Move = { event: ModerationEvent } | { snapshot: ModerationSnapshot };

/** Follows what managers of this room hear. */
export function useDuty(): Duty {
  const store = useStore();
  const [duty, move] = useReducer((before: Duty, next: Move) => ("event" in next ? after(before, next.event) : begun(before, next.snapshot)), noDuty);
  useEffect(() => store.moderate({ onSnapshot: (snapshot) => move({ snapshot }), onEvent: (event) => move({ event }) }), [store]);
  return duty;
}
