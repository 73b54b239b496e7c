// SPDX-License-Identifier: Apache-2.0
// What goes on by itself at the server is looked at again while it does, and while the page is in sight.
import { useEffect } from "preact/hooks";

export function usePoll(again: () => void, every_ms: number, on: boolean): void {
  useEffect(() => {
    if (!on) return;
    const timer = setInterval(() => document.hidden || again(), every_ms);
    return () => clearInterval(timer);
  }, [again, every_ms, on]);
}
