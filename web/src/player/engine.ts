/** What every way of playing can do; `session.ts` drives one of these at a time. */

export type EngineName = "hls" | "native" | "flv" | "webrtc";

/** Where the media of a channel are, and how far back one may seek. */
export type Source = {
  slug: string;
  index: string;
  dvr: string;
  flv: string;
  whep: string;
  dvrWindowS: number;
};

export type Quality = { id: string; height: number; bitrate: number };

/** Why an engine stopped. All of them are fatal to the engine; the session decides about another try. */
export type EngineFailure =
  /** The server did not answer or the connection broke. */
  | "network"
  /** The browser could not decode or append what came. */
  | "media"
  /** The browser has nothing to play this with. */
  | "unsupported"
  /** This way of playing does not get through; another one may. */
  | "unreachable";

export type EngineEvents = {
  onFailure: (failure: EngineFailure) => void;
  /** The server said that no more is coming. */
  onEnd: () => void;
  onQualities: (qualities: Quality[]) => void;
  /** Media up to this moment of the stream's clock (milliseconds; its zero is the engine's own) is here now. */
  onArrival: (streamMs: number) => void;
};

export type EngineFacts = {
  codecs: string;
  /** Of the media as declared or measured, bits per second; 0 where unknown. */
  bitrate: number;
};

export type Engine = {
  readonly name: EngineName;
  /** Whether one can seek back in the broadcast. */
  readonly seekable: boolean;
  start(): void;
  destroy(): void;
  /** Jump to the live edge, or as near to it as this engine plays. */
  goLive(): void;
  /** The stream's clock, in milliseconds, at the frame on the screen; null where unknown. */
  playingMs(): number | null;
  /** Jump to this moment of the stream's clock, as far as the broadcast is kept. */
  seekTo(streamMs: number): void;
  pick(quality: string): void;
  facts(): EngineFacts;
};

/** A request under way. */
export type Asked = { answer: Promise<Response>; stopped: AbortController };

/** Gives the request for this URL that was sent ahead of the engine, once; null where there is none. */
export type TakeAsked = (url: string) => Asked | null;

/** The media of a channel; always of this very origin, whatever the public address is. */
export function sourceOf(slug: string, dvrWindowS: number, token = ""): Source {
  const at = (tail: string) => `/live/${slug}${tail}${token ? `?token=${encodeURIComponent(token)}` : ""}`;
  return { slug, index: at("/index.m3u8"), dvr: at("/dvr.m3u8"), flv: at(".flv"), whep: at("/whep"), dvrWindowS };
}

/** The play token in a page's address, that opens a private channel; empty without one. */
export function tokenOf(search: string): string {
  return new URLSearchParams(search).get("token") ?? "";
}
