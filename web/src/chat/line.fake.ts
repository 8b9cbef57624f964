import { LineError, type Heard, type HeardByManagers, type Line } from "./line";
import { FakeRoom, person } from "./room.fake";
import type { ModerationSnapshot, RoomEvent, Snapshot } from "./wire";

type Answer = (data: Record<string, unknown>) => unknown;

/** A line to a room in memory, which can be cut, told to refuse, and made to lose answers. */
export class FakeLine implements Line {
  heard: Heard | null = null;
  managers: HeardByManagers | null = null;
  readonly room = new FakeRoom();
  /** Every call, in order. */
  readonly asked: { method: string; data: Record<string, unknown> }[] = [];
  /** What the next calls are answered; a function may throw. */
  readonly answers = new Map<string, Answer>();
  readonly nonces = new Map<string, unknown>();
  snapshot: (recovered: boolean) => Snapshot = (recovered) => this.room.snapshot(recovered);
  moderation: ModerationSnapshot = { held: [], audit: [], counts: { held: 0 } };
  closed = false;
  private lostAt: number | null = null;
  /** Answers get lost on their way while this is true. */
  deaf = false;

  open(heard: Heard): void {
    this.heard = heard;
    heard.onLink("open", 0);
    heard.onSnapshot(this.snapshot(false), false);
  }

  /** Tells the room something, as publications come. */
  tell(event: RoomEvent): void {
    if (this.lostAt === null) this.heard?.onEvent(event, true);
  }

  cut(): void {
    this.lostAt = this.room.offset;
    this.heard?.onLink("away", 1);
  }

  mend(): void {
    const missed = this.room.since(this.lostAt ?? this.room.offset);
    this.lostAt = null;
    this.heard?.onLink("open", 0);
    this.heard?.onSnapshot(this.snapshot(missed !== null), missed !== null);
    for (const event of missed ?? []) this.heard?.onEvent(event, false);
  }

  call(method: string, data: Record<string, unknown>): Promise<unknown> {
    this.asked.push({ method, data });
    if (this.lostAt !== null) return Promise.reject(new LineError({ code: 1, word: "timeout", value: null }, true));
    const answer = this.answers.get(method);
    try {
      const given = answer ? answer(data) : method === "chat.send" ? this.sent(data) : {};
      if (this.deaf) throw new LineError({ code: 1, word: "timeout", value: null }, true);
      return Promise.resolve(given);
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Accepted once per nonce, and answered the same. */
  private sent({ text, nonce }: Record<string, unknown>): unknown {
    const before = this.nonces.get(String(nonce));
    if (before !== undefined) return before;
    const event = this.room.say(person(this.room.me), String(text));
    if (event.t !== "message") throw new Error("no message");
    const answer = { id: event.id, seq: event.seq, at: event.at, state: "sent" };
    this.nonces.set(String(nonce), answer);
    this.tell(event);
    return answer;
  }

  moderate(heard: HeardByManagers): () => void {
    this.managers = heard;
    heard.onSnapshot(this.moderation);
    return () => (this.managers = null);
  }

  again(): void {
    this.mend();
  }

  close(): void {
    this.closed = true;
  }
}
