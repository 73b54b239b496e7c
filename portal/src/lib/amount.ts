// SPDX-License-Identifier: Apache-2.0
// Numbers of parameters as people write them. Pure.

const LETTERS: Record<string, number> = { "": 1, k: 1e3, m: 1e6, b: 1e9, g: 1e9, t: 1e12 };

/** "7B", "1.5b", "500 M", "7000000000": a whole number; undefined: it is none. */
export function amount(text: string): number | undefined {
  const found = /^(\d{1,15}(?:[.,]\d{1,6})?)\s*([kmbgt]?)$/i.exec(text.trim());
  if (!found) return undefined;
  const n = Math.round(Number(found[1]!.replace(",", ".")) * (LETTERS[(found[2] ?? "").toLowerCase()] ?? 1));
  return Number.isSafeInteger(n) ? n : undefined;
}
