// SPDX-License-Identifier: Apache-2.0
// What several parts share: where they look, how they ask lists, words for what the server names.
import { t, type Key } from "../i18n";
import { en } from "../i18n/en";
import { pageOf, type useQuery } from "../lib/url";
import { PAGE_SIZE } from "../ui/table";

/** The whole system, or one project. */
export type Scope = "system" | { id: number; name: string };

/**
 * Conditions of a list, as ?q= takes them: those without a value are left out. Commas stand between conditions, so that
 * none is kept in a value.
 */
export function conditions(wanted: Record<string, string>): { q?: string } {
  const q = Object.entries(wanted)
    .map(([name, value]) => [name, value.replaceAll(",", " ").trim()])
    .filter(([, value]) => value !== "" && value !== "~" && value !== "[~]")
    .map(([name, value]) => `${name}=${value}`)
    .join(",");
  return q ? { q } : {};
}

/** The page and the order that the address asks for. */
export function paging(query: ReturnType<typeof useQuery>, order = ""): { page: number; page_size: number; sort?: string } {
  const sort = query.one("sort") || order;
  return { page: pageOf(query), page_size: PAGE_SIZE, ...(sort ? { sort } : {}) };
}

/** The text of `prefix.value`; what this portal has no word for stands as the server calls it. */
export function word(prefix: string, value: string): string {
  const key = `${prefix}.${value}`;
  return key in en ? t(key as Key) : value;
}
