// SPDX-License-Identifier: Apache-2.0
// A button that opens a list of choices: closed by Escape, by a click elsewhere and by a choice.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

export function Menu({ label, children, title, align, onToggle }: {
  label: ComponentChildren;
  children: ComponentChildren;
  title?: string;
  align?: "end";
  /** For what is asked of the server only when it is looked at. */
  onToggle?: (open: boolean) => void;
}) {
  const ref = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const close = (e: Event) => {
      const box = ref.current;
      if (!box?.open) return;
      if (e instanceof KeyboardEvent) {
        if (e.key !== "Escape") return;
        box.querySelector("summary")?.focus();
      } else if (box.contains(e.target as Node) && !(e.target as Element).closest("[data-menu] a, [data-menu] button")) {
        return;
      }
      box.open = false;
    };
    document.addEventListener("click", close);
    document.addEventListener("keydown", close);
    return () => {
      document.removeEventListener("click", close);
      document.removeEventListener("keydown", close);
    };
  }, []);
  return (
    <details class="menu" ref={ref} onToggle={(e) => onToggle?.(e.currentTarget.open)}>
      <summary class="btn btn-sm menu-button" title={title} aria-label={title}>{label}</summary>
      <div class={`menu-list ${align === "end" ? "menu-end" : ""}`} data-menu>{children}</div>
    </details>
  );
}
