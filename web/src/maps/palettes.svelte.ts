// The colours of pictures, read again where light turns to dark.
import { look } from "../lib/theme.svelte";
import { palette, type Palette } from "./colours";

// To be called while a component is set up.
export function palettes() {
  let now = $state.raw<Palette | null>(null);
  $effect(() => {
    void look.theme;
    const system = matchMedia("(prefers-color-scheme: dark)");
    const read = () => (now = palette(document.body));
    const frame = requestAnimationFrame(read); // once the theme stands in the page
    system.addEventListener("change", read);
    return () => {
      cancelAnimationFrame(frame);
      system.removeEventListener("change", read);
    };
  });
  return {
    get now() {
      return now;
    },
  };
}
