import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { UserConfig } from "vite";
import { defineConfig } from "vitest/config";

type PostCSS = Exclude<NonNullable<NonNullable<UserConfig["css"]>["postcss"]>, string>;
type Plugin = NonNullable<PostCSS["plugins"]>[number];

// Of the fonts only what the page shows in a browser of today: WOFF2, no alphabets but Latin and Greek, and of KaTeX's
// none that our formulas do without.
const lessFonts: Plugin = {
  postcssPlugin: "less-fonts",
  AtRule: {
    "font-face": (rule) => {
      rule.walkDecls("src", (src) => {
        const sources = src.value.split(",").filter((source) => source.includes("woff2"));
        if (/inter-(cyrillic|vietnamese|greek-ext)|KaTeX_(Cal|Frak|Script|Sans|Type)/.test(src.value)) rule.remove();
        else src.value = sources.join(",");
      });
    },
  },
};

// Beside `npm run dev`:  backlit studio --port 8711
const studio = "http://127.0.0.1:8711";

export default defineConfig(({ mode }) => ({
  plugins: [svelte()],
  css: { postcss: { plugins: [lessFonts] } },
  // the studio's Content-Security-Policy allows files only: no script or style inline, no font as data:
  build: {
    outDir: "../src/backlit/studio/page",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: "licenses.md" },
  },
  // the studio answers its own page only, so requests are made to look like that page's; cookies know no ports
  server: {
    host: "127.0.0.1",
    proxy: { "/api": { target: studio, ws: true, changeOrigin: true, headers: { origin: studio } } },
  },
  resolve: mode === "test" ? { conditions: ["browser"] } : {},
  test: { environment: "jsdom", include: ["src/**/*.test.ts"] },
}));
