import { act, cleanup, render } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { translator } from "../i18n";
import { Coming } from "./coming";

const t = translator("en");

beforeEach(() => void vi.useFakeTimers());

afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function said(view: ReturnType<typeof render>, afterMs: number): string {
  act(() => void vi.advanceTimersByTime(afterMs));
  return view.getByRole("status").textContent;
}

test("a picture that is on its way is said to ears alone, and one that stays away to everybody", () => {
  const view = render(<Coming reconnecting={false} stalled={false} />);
  expect(view.getByText(t("watch.waiting")).parentElement?.className).toBe("sr-only");
  expect(said(view, 3000)).toBe(t("watch.waiting"));
  expect(said(view, 3000)).toBe(t("watch.late") + t("watch.late.text"));
  expect(view.getByText(t("watch.late")).parentElement?.className).toContain("on-picture");
});

test("the time runs on while tries follow each other", () => {
  const view = render(<Coming reconnecting={false} stalled />);
  expect(said(view, 4000)).toBe(t("watch.network"));
  view.rerender(<Coming reconnecting={false} stalled={false} />);
  expect(said(view, 2000)).toContain(t("watch.late"));
});

test("who is offline is told that, and not to choose something else", () => {
  vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
  const view = render(<Coming reconnecting={false} stalled />);
  expect(said(view, 6000)).toBe(t("watch.late") + t("watch.late.offline"));
});

test("a publisher who is away is nobody's connection", () => {
  const view = render(<Coming reconnecting stalled />);
  expect(said(view, 20_000)).toBe(t("watch.reconnecting"));
});
