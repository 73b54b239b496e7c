// SPDX-License-Identifier: Apache-2.0
// Texts of strangers in Markdown: what stands in front of them, how long they may be, the worker that reads them.
import worker from "../workers/markdown?worker&url";
import { trustedScript } from "./trusted";

/** Longer than this a text is shown in parts. */
export const PART = 256 * 1024;
const PATIENCE_MS = 10_000;

/** The YAML in front of a card ("" if there is none), and the rest. */
export function splitFront(text: string): { front: string; body: string } {
  const found = /^\uFEFF?---[ \t]*\r?\n([\s\S]*?)(?:^|\n)---[ \t]*(?:\r?\n|$)/.exec(text);
  return found ? { front: found[1] ?? "", body: text.slice(found[0].length) } : { front: "", body: text };
}

/** Where a text of about `size` characters may be cut: at an empty line outside of a block of code. */
export function cutAt(text: string, size: number): number {
  if (text.length <= size) return text.length;
  let fence = "";
  let at = 0;
  let last = 0;
  while (at < text.length) {
    const end = text.indexOf("\n", at) + 1 || text.length;
    const line = text.slice(at, Math.min(end, at + 200));
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (mark) fence = fence ? (mark.startsWith(fence) ? "" : fence) : mark;
    else if (!fence && line.trim() === "") last = end;
    at = end;
    if (at >= size && last > 0) return last;
    if (at >= 2 * size) return at;
  }
  return text.length;
}

/** HTML that must not be used before it was sanitised. */
export function toHtml(text: string, signal: AbortSignal): Promise<string> {
  return new Promise((done, fail) => {
    const w = new Worker(trustedScript(worker), { type: "module" });
    const end = (then: () => void) => {
      clearTimeout(timer);
      w.terminate();
      then();
    };
    const timer = setTimeout(() => end(() => fail(new Error("timeout"))), PATIENCE_MS);
    signal.addEventListener("abort", () => end(() => fail(new Error("aborted"))));
    w.onmessage = (e: MessageEvent<string>) => end(() => done(e.data));
    w.onerror = () => end(() => fail(new Error("markdown")));
    w.postMessage(text);
  });
}
