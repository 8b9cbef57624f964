import { useEffect, useRef, useState } from "react";
import { classes } from "./classes";

/** A new picture this often, while the page is seen. */
const EVERY_MS = 4000;

/** The live picture as a JPEG that moves on every few seconds; the next one is shown when it has come whole. */
export function Poster({ slug, className }: { slug: string; className?: string }) {
  const [shown, setShown] = useState("");
  const frame = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    let current = true;
    const next = () => {
      if (document.visibilityState !== "visible" || !near(frame.current)) return;
      const picture = new Image();
      const address = `/live/${slug}/poster.jpg?at=${Math.floor(Date.now() / EVERY_MS)}`;
      picture.onload = () => current && setShown(address);
      picture.src = address;
    };
    next();
    const timer = setInterval(next, EVERY_MS);
    return () => {
      current = false;
      clearInterval(timer);
    };
  }, [slug]);
  return (
    <span ref={frame} className={classes("dusk block size-full", className)}>
      {shown && <img src={shown} alt="" className="size-full object-cover" />}
    </span>
  );
}

function near(element: HTMLElement | null): boolean {
  if (!element) return true;
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > -200 && top < innerHeight + 200;
}
