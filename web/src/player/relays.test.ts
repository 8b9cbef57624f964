import { expect, test } from "vitest";
import { relaysOf } from "./relays";

test("servers are read out of a Link header, with what they ask for", () => {
  const link =
    '<stun:stun.example.org>; rel="ice-server", </live/a/whep/x.layer>; rel="urn:ietf:params:whep:ext:core:layer", ' +
    '<turn:turn.example.org?transport=udp>; rel="ice-server"; username="9:yuna"; credential="a+b/c="; credential-type="password"';
  expect(relaysOf(link)).toEqual([
    { urls: "stun:stun.example.org" },
    { urls: "turn:turn.example.org?transport=udp", username: "9:yuna", credential: "a+b/c=" },
  ]);
});

test("other links are none", () => {
  expect(relaysOf(null)).toEqual([]);
  expect(relaysOf('<turn:turn.example.org>; rel="next"')).toEqual([]);
});
