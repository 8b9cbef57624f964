import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

const SOURCE = new URL("./src/boot.js", import.meta.url);
const PLACE = "<!--boot-->";

/** Puts `src/boot.js` before everything else in the page, as a hashed asset that knows the engines' chunks. */
export function boot(): Plugin {
  let serving = false;
  return {
    name: "madang-boot",
    configResolved(config) {
      serving = config.command === "serve";
    },
    transformIndexHtml(html) {
      return serving ? html.replace(PLACE, '<script src="/src/boot.js"></script>') : html;
    },
    writeBundle({ dir = "" }, bundle) {
      const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
      const pathOf = (name: string) => {
        const chunk = chunks.find((each) => each.name === name);
        return chunk ? `/${chunk.fileName}` : "";
      };
      const engines = JSON.stringify({ hls: pathOf("hls"), flv: pathOf("flv"), webrtc: pathOf("webrtc") });
      const source = readFileSync(SOURCE, "utf8").replace("__ENGINES__", engines);
      const name = `assets/boot-${createHash("sha256").update(source).digest("base64url").slice(0, 8)}.js`;
      writeFileSync(join(dir, name), source);
      const page = join(dir, "index.html");
      writeFileSync(page, readFileSync(page, "utf8").replace(PLACE, `<script src="/${name}"></script>`));
    },
  };
}
