import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { preferences } from "../store/preferences";
import { usePlayback } from "./usePlayback";

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

/** A playback of a page that has just been opened, with its element followed. */
function opened(silent = false): { video: HTMLVideoElement; leave: () => void } {
  const { session } = renderHook(() => usePlayback("yard", silent)).result.current;
  return { video: session.video, leave: session.attach() };
}

function change(video: HTMLVideoElement, volume: number, muted: boolean): void {
  act(() => {
    video.volume = volume;
    video.muted = muted;
    video.dispatchEvent(new Event("volumechange"));
  });
}

test("nothing is remembered where nothing was chosen", () => {
  opened().leave();
  expect(preferences()).not.toHaveProperty("volume");
});

test("a silent page's silence is not a choice", () => {
  const { video, leave } = opened(true);
  change(video, 0.4, true);
  leave();
  expect(preferences()).not.toHaveProperty("volume");
});

test("loudness is remembered at once, while the picture is still on its way too", () => {
  const first = opened();
  change(first.video, 0.3, false);
  first.leave();
  expect(preferences()).toMatchObject({ volume: 0.3, muted: false });
  const second = opened();
  expect(second.video.volume).toBe(0.3);
  second.leave();
});
