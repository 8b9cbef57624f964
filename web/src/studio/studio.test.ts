import { expect, test } from "vitest";
import type { FeedEvent, LiveStream } from "../api/types";
import { translator } from "../i18n";
import { lineOf } from "./graph";
import { sentencesOf } from "./health";
import { sentenceOf } from "./log";
import { afterPulse } from "./stream";

const t = translator("en");

test.each(["keyframe_interval", "no_audio", "no_video", "variable_frame_rate", "bitrate_starving", "b_frames", "picture_remade", "unsupported_codec", "timestamps", "slow_start", "never_heard_of"])(
  "%s says what is wrong and what to do",
  (code) => {
    const [what, todo] = sentencesOf(t, { code, value: 8.31, detail: "VP6" });
    expect(what).not.toMatch(/[{}]/);
    expect(todo).not.toMatch(/[{}]/);
    expect(todo.length).toBeGreaterThan(20);
  },
);

const event = (kind: string, data: FeedEvent["data"], peer = ""): FeedEvent => ({ id: "1", at: "2026-01-01T00:00:00Z", kind, data, peer, channel_id: null, actor: null });

test("says which key was tried from where", () => {
  const said = sentenceOf(t, event("key.attempt_failed", { mask: "ab12…", reason: "no_such_key" }, "1.2.3.4"));
  expect(said).toBe("Someone tried key ab12… from 1.2.3.4: no such key.");
});

test("keeps quiet about what it has no words for", () => {
  expect(sentenceOf(t, event("unheard.of", {}))).toBeNull();
});

test("a pulse moves the graphs and the peak", () => {
  const stream = { viewers: 1, peak_viewers: 3, samples: [], health: [], tracks: [] } as unknown as LiveStream;
  const sample = { at: "2026-01-01T00:00:00Z", bitrate_bps: 5, fps: 30, viewers: 4 };
  const after = afterPulse(stream, { state: "live", sample, health: [], viewers_by_door: {}, tracks: [] });
  expect(after.samples).toEqual([sample]);
  expect(after.peak_viewers).toBe(4);
});

test("a graph's newest value is at its right edge", () => {
  expect(lineOf([1, 1], 3)).toBe("M150.0 5.5L300.0 5.5");
});

test("a share is told in whole percent, a few seconds in tenths", () => {
  expect(sentencesOf(t, { code: "bitrate_starving", value: 66.64, detail: "" })[0]).toMatch(/\b67\s%/);
  expect(sentencesOf(t, { code: "keyframe_interval", value: 8.31, detail: "" })[0]).toMatch(/\b8\.3\ss/);
});
