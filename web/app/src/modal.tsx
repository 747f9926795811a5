import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { app } from "./app.ts";
import { t } from "./i18n.ts";
import { Cross } from "./icons.tsx";

/** A dialog of the browser's: it keeps the focus, gives it back, and ends with Escape. */
export function Modal({ label, className, children }: { label: string; className?: string; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const before = document.activeElement;
    box.current!.showModal();
    return () => {
      // The element is gone by now, and the browser gives the focus to nobody.
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={box}
      class={className}
      aria-label={label}
      onClose={close}
      onClick={(e) => {
        if (e.target === box.current) close(); // the backdrop
      }}
    >
      {children}
    </dialog>
  );
}

export function close(): void {
  app.dialog.value = "none";
}

export function Title({ text }: { text: string }) {
  return (
    <header class="bar">
      <h2>{text}</h2>
      <span class="grow" />
      <button type="button" class="ghost" aria-label={t().close} onClick={close}><Cross /></button>
    </header>
  );
}
