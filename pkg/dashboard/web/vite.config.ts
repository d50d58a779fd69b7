import { defineConfig } from "vite";

// One script and one style sheet: nothing is loaded later, so nothing can fail later. No polyfill: it would write inline code.
export default defineConfig({
  build: {
    outDir: "../assets",
    emptyOutDir: true,
    assetsDir: "static",
    assetsInlineLimit: 0,
    modulePreload: false,
    target: "es2022",
    reportCompressedSize: false,
  },
});
