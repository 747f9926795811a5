// Keys that work everywhere. Everything else is done with Tab, Enter and the arrows.
import { app } from "./app.ts";
import { openSearch } from "./search.tsx";

export function listenToKeys(): void {
  addEventListener("keydown", (e) => {
    if (e.isComposing || !app.client.value) return;
    const ctrl = (e.ctrlKey || e.metaKey) && !e.altKey && !e.shiftKey;
    const key = e.key.toLowerCase();
    if (ctrl && key === "k") {
      app.dialog.value = app.dialog.value === "switcher" ? "none" : "switcher";
    } else if (e.key === "F1") {
      app.dialog.value = app.dialog.value === "keys" ? "none" : "keys";
    } else if (app.dialog.value !== "none") {
      return; // the dialog's
    } else if ((e.ctrlKey || e.metaKey) && e.shiftKey && !e.altKey && key === "f") {
      openSearch(app.current.value !== null);
    } else if (ctrl && key === "m") {
      app.people.value = !app.people.value;
    } else if (ctrl && e.key === "End") {
      app.current.value?.toEnd();
    } else if (e.altKey && !e.ctrlKey && (e.key === "ArrowDown" || e.key === "ArrowUp")) {
      app.go(e.key === "ArrowDown" ? 1 : -1, e.shiftKey);
    } else if (e.key === "Escape" && app.current.value) {
      document.querySelector<HTMLElement>("#composer")?.focus();
    } else {
      return;
    }
    e.preventDefault();
  });
}
