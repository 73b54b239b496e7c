// SPDX-License-Identifier: Apache-2.0
// The URL holds the state of a page, so that a link shows to others what one sees.
import { useLocation } from "preact-iso";

export const BASE = "/-";

type Values = Record<string, string | string[]>;

/** An address inside of the portal. Empty values are left out. */
export function link(path: string, query: Values = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query))
    for (const one of Array.isArray(value) ? value : [value]) if (one !== "") search.append(key, one);
  const text = search.toString();
  return BASE + path.split("/").map(encodeURIComponent).join("/") + (text ? `?${text}` : "");
}

export function modelLink(project: string, repository: string, query: Values = {}): string {
  return link(`/m/${project}/${repository}`, query);
}

export function projectLink(project: string, tab = "", query: Values = {}): string {
  return link(`/projects/${project}${tab ? `/${tab}` : ""}`, query);
}

/**
 * The query of the address: `all(name)` every value, `one(name)` the first or "". set() changes some of them ("" or []
 * takes one away) and keeps the rest; a step back in the browser undoes it, unless `replace`.
 */
export function useQuery() {
  const { route } = useLocation();
  const search = new URLSearchParams(location.search);
  return {
    one: (name: string) => search.get(name) ?? "",
    all: (name: string) => search.getAll(name),
    text: search.toString(),
    set: (change: Values, replace = false) => {
      const next = new URLSearchParams(location.search);
      for (const [key, value] of Object.entries(change)) {
        next.delete(key);
        for (const one of Array.isArray(value) ? value : [value]) if (one !== "") next.append(key, one);
      }
      const text = next.toString();
      route(location.pathname + (text ? `?${text}` : ""), replace);
    },
  };
}

/** The number of the page in the address, from 1. */
export function pageOf(query: { one: (name: string) => string }): number {
  const n = Number(query.one("page"));
  return Number.isInteger(n) && n > 0 ? n : 1;
}
