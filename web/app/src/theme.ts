import { signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

const saved = localStorage.getItem("theme");
export const theme = signal<Theme>(saved === "light" || saved === "dark" ? saved : "system");

export function setTheme(to: Theme): void {
  theme.value = to;
  if (to === "system") localStorage.removeItem("theme");
  else localStorage.setItem("theme", to);
  apply();
}

function apply(): void {
  if (theme.value === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme.value;
}

apply();
