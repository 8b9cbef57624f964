import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

const SOURCE = new URL("./src/boot.js", import.meta.url);
const TRUSTED = new URL("../src/madang/api/docs/trusted.js", import.meta.url);
const PLACE = "<!--boot-->";

/**
 * Puts the trusted-types policy and `src/boot.js` before everything else in the page, as one hashed asset that knows
 * the chunks of the engines and those of the page itself.
 */
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
      const chunkOf = (name: string) => chunks.find((each) => each.name === name);
      const filesOf = (name: string) => [chunkOf(name)?.fileName ?? "", ...(chunkOf(name)?.imports ?? [])].map((file) => `/${file}`);
      const engines = JSON.stringify({ hls: filesOf("hls"), flv: filesOf("flv"), webrtc: filesOf("webrtc") });
      const page = join(dir, "index.html");
      const html = readFileSync(page, "utf8");
      const parts = filesOf("main").filter((file) => !html.includes(file));
      const source = readFileSync(SOURCE, "utf8").replace("__ENGINES__", engines).replace("__PARTS__", JSON.stringify(parts));
      const script = readFileSync(TRUSTED, "utf8") + source;
      const name = `assets/boot-${createHash("sha256").update(script).digest("base64url").slice(0, 8)}.js`;
      writeFileSync(join(dir, name), script);
      writeFileSync(page, html.replace(PLACE, `<script src="/${name}"></script>`));
    },
  };
}
