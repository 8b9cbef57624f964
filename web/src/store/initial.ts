import type { Channel, Me, Site } from "../api/types";

/** What the server wrote into the page, so that the first picture waits for no request. */
export type Initial = { site?: Site; me?: Me | null; channel?: Channel; channels?: Channel[] };

function read(): Initial {
  const text = document.getElementById("state")?.textContent;
  if (!text) return {};
  try {
    return JSON.parse(text) as Initial;
  } catch {
    return {};
  }
}

export const initial: Initial = read();
