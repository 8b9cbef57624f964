import tailwind from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { boot } from "./boot.plugin.ts";

/** The server that `npm run dev` passes the API and the media on to. */
const server = process.env["MADANG_URL"] ?? "http://127.0.0.1:8080";
const passed = ["/api", "/live", "/oembed", "/openapi.json", "/docs"];

export default defineConfig({
  base: "/",
  plugins: [react(), tailwind(), boot()],
  build: {
    outDir: "../src/madang/api/web",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    target: "es2022",
    chunkSizeWarningLimit: 900,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: Object.fromEntries(passed.map((path) => [path, { target: server, ws: true, changeOrigin: true }])),
  },
  // The time-out is for what hangs, not for a machine that has other work.
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"], testTimeout: 60_000 },
});
