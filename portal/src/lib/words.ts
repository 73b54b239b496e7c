// SPDX-License-Identifier: Apache-2.0
// Where the words of a search stand in a text, so that they can be shown. Pure.

export interface Part {
  text: string;
  hit: boolean;
}

/** The text in pieces; those that are words of `wanted` are hits, in whatever case. Nothing of it is syntax. */
export function parts(text: string, wanted: string): Part[] {
  const words = [...new Set(wanted.split(/\s+/).filter(Boolean))].slice(0, 32).sort((a, b) => b.length - a.length);
  if (words.length === 0) return [{ text, hit: false }];
  const any = new RegExp(`(${words.map((w) => w.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")).join("|")})`, "giu");
  return text.split(any).map((piece, i) => ({ text: piece, hit: i % 2 === 1 })).filter((p) => p.text !== "");
}
