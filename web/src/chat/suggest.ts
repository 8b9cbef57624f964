import type { CommandInfo } from "./wire";

export type Wish =
  /** The start of a command's name. */
  | { kind: "command"; from: number; to: number; typed: string }
  /** The start of somebody's name. */
  | { kind: "name"; from: number; to: number; typed: string };

const NAME = /(?:^|[\s(])@([\p{L}\p{N}_-]{0,32})$/u;
const COMMAND = /^\/([a-z]{0,20})$/;

/** What the text before the cursor asks to be completed. */
export function wishOf(text: string, cursor: number): Wish | null {
  const before = text.slice(0, cursor);
  const command = COMMAND.exec(before);
  if (command) return { kind: "command", from: 0, to: cursor, typed: command[1] ?? "" };
  const name = NAME.exec(before);
  if (!name) return null;
  const typed = name[1] ?? "";
  return { kind: "name", from: cursor - typed.length - 1, to: cursor, typed };
}

/** Commands whose name begins with what is typed. */
export function commandsFor(typed: string, commands: readonly CommandInfo[]): CommandInfo[] {
  return commands.filter((command) => command.name.startsWith(typed)).slice(0, 8);
}

/** People of the room, the latest first, whose name begins with what is typed; then those who have it inside. */
export function namesFor(typed: string, people: readonly string[]): string[] {
  const wanted = typed.toLocaleLowerCase();
  const places = people.map((name) => name.toLocaleLowerCase().indexOf(wanted));
  const begin = people.filter((_, index) => places[index] === 0);
  const inside = people.filter((_, index) => (places[index] ?? -1) > 0);
  return [...begin, ...inside].slice(0, 6);
}

/** The text with the wish fulfilled, and where the cursor is then. */
export function fulfilled(text: string, wish: Wish, chosen: string): { text: string; cursor: number } {
  const word = `${wish.kind === "command" ? "/" : "@"}${chosen} `;
  const rest = text.slice(wish.to).replace(/^ /, "");
  return { text: text.slice(0, wish.from) + word + rest, cursor: wish.from + word.length };
}
