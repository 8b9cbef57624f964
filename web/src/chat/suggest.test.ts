import { expect, test } from "vitest";
import { commandsFor, fulfilled, namesFor, wishOf } from "./suggest";

const commands = ["ban", "clear", "slow", "slowoff", "subonly"].map((name) => ({ name, usage: `/${name}`, help: { en: "", ko: "" }, arguments: [] }));

test("a slash at the start asks for a command, until there is a space", () => {
  expect(wishOf("/sl", 3)).toEqual({ kind: "command", from: 0, to: 3, typed: "sl" });
  expect(wishOf("/", 1)?.typed).toBe("");
  expect(wishOf("/slow ", 6)).toBeNull();
  expect(wishOf("a /slow", 7)).toBeNull();
  expect(wishOf("//", 2)).toBeNull();
});

test("an at sign asks for a name, wherever a word begins", () => {
  expect(wishOf("안녕 @미", 5)).toEqual({ kind: "name", from: 3, to: 5, typed: "미" });
  expect(wishOf("/ban @", 6)?.kind).toBe("name");
  expect(wishOf("a@b", 3)).toBeNull();
  expect(wishOf("@미 나", 4)).toBeNull();
});

test("commands begin with what is typed", () => {
  expect(commandsFor("sl", commands).map((command) => command.name)).toEqual(["slow", "slowoff"]);
  expect(commandsFor("x", commands)).toEqual([]);
});

test("names begin with what is typed, or have it inside", () => {
  expect(namesFor("mi", ["Yumi", "Mina", "mika", "Hyun"])).toEqual(["Mina", "mika", "Yumi"]);
  expect(namesFor("", ["a", "b"])).toEqual(["a", "b"]);
});

test("a chosen word takes the place of what was typed", () => {
  const wish = wishOf("안녕 @미 반가워", 5);
  expect(wish && fulfilled("안녕 @미 반가워", wish, "미나")).toEqual({ text: "안녕 @미나 반가워", cursor: 7 });
  const slash = wishOf("/sl", 3);
  expect(slash && fulfilled("/sl", slash, "slow")).toEqual({ text: "/slow ", cursor: 6 });
});
