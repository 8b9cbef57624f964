import Hls, { type LoaderCallbacks, type LoaderConfiguration, type LoaderContext } from "hls.js";
import type { TakeAsked } from "./engine";

type Answer = { data: string | ArrayBuffer; url: string };

async function read(answer: Promise<Response>, binary: boolean): Promise<Answer> {
  const response = await answer;
  if (!response.ok) throw new Error(String(response.status));
  return { data: binary ? await response.arrayBuffer() : await response.text(), url: response.url };
}

/** hls.js's own loader, but for what was asked for ahead: the first playlists, the media's header and first parts. */
export function headStartLoader(take: TakeAsked) {
  return class HeadStartLoader extends Hls.DefaultConfig.loader {
    over = false;

    override load(context: LoaderContext, config: LoaderConfiguration, callbacks: LoaderCallbacks<LoaderContext>): void {
      const asked = take(context.url);
      if (!asked) {
        super.load(context, config, callbacks);
        return;
      }
      const began = performance.now();
      void read(asked.answer, context.responseType === "arraybuffer").then(
        ({ data, url }) => {
          if (this.over) return;
          const now = performance.now();
          const bytes = typeof data === "string" ? data.length : data.byteLength;
          Object.assign(this.stats, { loaded: bytes, total: bytes, loading: { start: began, first: now, end: now } });
          callbacks.onSuccess({ url, data, code: 200 }, this.stats, context, null);
        },
        // Whatever was wrong with it: the usual way knows what to do.
        () => this.over || super.load(context, config, callbacks),
      );
    }

    override abort(): void {
      this.over = true;
      super.abort();
    }

    override destroy(): void {
      this.over = true;
      super.destroy();
    }
  };
}
