// SPDX-License-Identifier: Apache-2.0
// Numbers, sizes and times as people read them, in the language chosen.
import { language } from "../i18n";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** 1536 → "1.5 KiB" */
export function bytes(n: number): string {
  let unit = 0;
  while (n >= 1024 && unit < UNITS.length - 1) {
    n /= 1024;
    unit++;
  }
  return `${n.toLocaleString(language.value, { maximumFractionDigits: n < 10 && unit ? 1 : 0 })} ${UNITS[unit]}`;
}

/** 8030261248 → "8.03B" */
export function count(n: number): string {
  for (const [size, letter] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "K"]] as const)
    if (n >= size) return `${Number((n / size).toPrecision(3))}${letter}`;
  return String(n);
}

export function number(n: number): string {
  return n.toLocaleString(language.value);
}

/** The API writes the year 1 where it means never. */
export function isNever(time: string | null | undefined): boolean {
  return !time || time.startsWith("0001-");
}

export function time(iso: string): string {
  return new Date(iso).toLocaleString(language.value, { dateStyle: "medium", timeStyle: "medium" });
}

export function day(iso: string): string {
  return new Date(iso).toLocaleDateString(language.value, { dateStyle: "medium" });
}

const STEPS: [number, Intl.RelativeTimeFormatUnit][] = [
  [60, "second"], [60, "minute"], [24, "hour"], [30, "day"], [12, "month"], [Number.POSITIVE_INFINITY, "year"],
];

/** "3 days ago" */
export function ago(iso: string, now = Date.now()): string {
  const format = new Intl.RelativeTimeFormat(language.value, { numeric: "auto" });
  let n = (new Date(iso).getTime() - now) / 1000;
  for (const [step, unit] of STEPS) {
    if (Math.abs(n) < step) return format.format(Math.trunc(n), unit);
    n /= step;
  }
  return iso;
}

/** 95 → "1 min, 35 sec" */
export function seconds(n: number): string {
  const parts: [number, string][] = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];
  const at = Math.max(0, parts.findIndex(([size]) => n >= size));
  const first = n < 1 ? 3 : at;
  const told: string[] = [];
  for (const [size, unit] of parts.slice(first, first + 2)) {
    const many = n < 1 ? Number(n.toFixed(1)) : Math.floor(n / size);
    if (many || told.length === 0) told.push(many.toLocaleString(language.value, { style: "unit", unit, unitDisplay: "short" }));
    n -= many * size;
  }
  return told.join(" ");
}

/** sha256:0123456789ab… → 0123456789ab */
export function shortDigest(digest: string): string {
  return digest.replace(/^\w+:/, "").slice(0, 12);
}
