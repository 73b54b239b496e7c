// SPDX-License-Identifier: Apache-2.0
// Everything is served below /-/ out of the program itself, so nothing here may point anywhere else.
import { defineConfig } from "vite";

export default defineConfig({
  base: "/-/",
  publicDir: "public",
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    target: "es2022",
    assetsDir: "assets",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 300,
  },
});
