// SPDX-License-Identifier: Apache-2.0
// JSON that others wrote and nobody describes: annotations, configurations. Nothing is taken for granted.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

export function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** "" for what is no text. */
export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Anything in a line: texts as they are, the rest as JSON. */
export function line(value: unknown): string {
  return typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
}
