// Light or dark: as the system has it, until it is chosen here.
import { keep, kept } from "./kept";

const KEY = "theme";
type Theme = "light" | "dark" | "";

class Look {
  theme = $state<Theme>((kept(KEY) as Theme | null) ?? "");

  begin(): void {
    $effect(() => {
      document.documentElement.dataset["theme"] = this.theme;
      keep(KEY, this.theme);
    });
  }

  turn(): void {
    const dark = this.theme ? this.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    this.theme = dark ? "light" : "dark";
  }
}

export const look = new Look();
