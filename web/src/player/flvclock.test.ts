import { expect, test } from "vitest";
import { FlvClock } from "./flvclock";

function tag(type: number, time: number, body: number[]): number[] {
  const size = body.length;
  const header = [type, size >> 16, (size >> 8) & 255, size & 255, (time >> 16) & 255, (time >> 8) & 255, time & 255, (time >>> 24) & 255, 0, 0, 0];
  const whole = [...header, ...body];
  const back = whole.length;
  return [...whole, 0, 0, (back >> 8) & 255, back & 255];
}

const header = [0x46, 0x4c, 0x56, 1, 5, 0, 0, 0, 9, 0, 0, 0, 0];

const stream = new Uint8Array([
  ...header,
  ...tag(18, 0, [2, 0, 10]),
  ...tag(9, 0, [0x17, 0, 0, 0, 0]),
  ...tag(8, 0, [0xaf, 0, 0x12, 0x10]),
  ...tag(9, 70_000, [0x17, 1, 0, 0, 0, 9, 9]),
  ...tag(8, 70_020, [0xaf, 1, 7]),
  ...tag(9, 0x1000010, [0x91, 0x61, 0x76, 0x30, 0x31]),
]);

test("takes the first frame's time, not the configurations'", () => {
  const times: number[] = [];
  const clock = new FlvClock((time) => times.push(time));
  clock.feed(stream.subarray(0, stream.length - 20));
  expect(clock.firstMs).toBe(70_000);
  expect(times).toEqual([70_000, 70_020]);
});

test("reads the extended byte of the time and enhanced frames, byte by byte", () => {
  const times: number[] = [];
  const clock = new FlvClock((time) => times.push(time));
  for (const byte of stream) clock.feed(new Uint8Array([byte]));
  expect(clock.firstMs).toBe(70_000);
  expect(times.at(-1)).toBe(0x1000010);
});
