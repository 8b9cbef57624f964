import { useEffect, useRef } from "react";

type Handlers = { tap: (touch: boolean) => void; twice: () => void };

/** The session's element on this page: seen or not, and what a press on it does. */
export function usePicture(video: HTMLVideoElement, seen: boolean, handlers: Handlers): void {
  const latest = useRef(handlers);
  useEffect(() => {
    latest.current = handlers;
  });
  useEffect(() => {
    video.classList.toggle("invisible", !seen);
  }, [video, seen]);
  useEffect(() => {
    const gone = new AbortController();
    const { signal } = gone;
    video.addEventListener("click", (event) => latest.current.tap(event.pointerType === "touch"), { signal });
    video.addEventListener("dblclick", () => latest.current.twice(), { signal });
    return () => gone.abort();
  }, [video]);
}
