// SPDX-License-Identifier: Apache-2.0
// Keys that work on the whole page.
import { type RefObject } from "preact";
import { useEffect } from "preact/hooks";

/** Is somebody writing, or in a dialog? */
function busy(target: EventTarget | null): boolean {
  const at = target instanceof HTMLElement ? target : null;
  return document.querySelector("dialog[open]") !== null || !!at?.closest("input, textarea, select, [contenteditable]");
}

/** "/" leads to this box, as long as it is shown. */
export function useSlash(box: RefObject<HTMLInputElement>): void {
  useEffect(() => {
    const key = (e: KeyboardEvent) => {
      if (e.key !== "/" || e.ctrlKey || e.metaKey || e.altKey || busy(e.target) || !box.current) return;
      e.preventDefault();
      box.current.focus();
      box.current.select();
    };
    document.addEventListener("keydown", key);
    return () => document.removeEventListener("keydown", key);
  }, []);
}
