import { useEffect, useState } from "react";

type AppleVideo = HTMLVideoElement & { webkitEnterFullscreen?: () => void };

/** Full screen of the whole player; on an iPhone, of the video alone. */
export function useFullscreen(root: HTMLElement | null, video: () => AppleVideo | null): [boolean, () => void] {
  const [full, setFull] = useState(false);
  useEffect(() => {
    const follow = () => setFull(document.fullscreenElement !== null && document.fullscreenElement === root);
    document.addEventListener("fullscreenchange", follow);
    return () => document.removeEventListener("fullscreenchange", follow);
  }, [root]);
  const toggle = () => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else if (root && document.fullscreenEnabled) void root.requestFullscreen().catch(() => undefined);
    else video()?.webkitEnterFullscreen?.();
  };
  return [full, toggle];
}
