// SPDX-License-Identifier: Apache-2.0
// What strangers wrote becomes part of the page here and nowhere else: DOMPurify with a short list of what may stay,
// then every address is looked at. Nodes go into the page as they were checked, and are never written out as text and
// read again, so that there is nothing to read differently.
import DOMPurify from "dompurify";
import { ATTRIBUTES, TAGS } from "./allowed";

const CONFIG = {
  ALLOWED_TAGS: TAGS,
  ALLOWED_ATTR: ATTRIBUTES,
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  ALLOWED_NAMESPACES: ["http://www.w3.org/1999/xhtml"],
  DATA_URI_TAGS: [],
  RETURN_DOM_FRAGMENT: true as const,
};
const ID = "card-";
const NUMBERS = ["width", "height", "colspan", "rowspan", "start"];

/** What addresses inside of the text lead to. */
export interface Surroundings {
  /** The directory that relative addresses begin at: "" or "docs". */
  folder: string;
  /** Where a file is shown; undefined: there is no such file. */
  fileLink: (path: string) => string | undefined;
  /** Where a picture comes from; undefined: there is no such file, or it cannot be shown. */
  picture: (path: string) => string | undefined;
  /** What stands for a picture of somebody else: it is never fetched. */
  outside: (alt: string, host: string) => string;
}

/** "../a/./b" from "docs" → "a/b"; undefined: it leads out. */
export function resolvePath(folder: string, path: string): string | undefined {
  const parts = path.startsWith("/") || folder === "" ? [] : folder.split("/");
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join("/");
}

type Target = { kind: "outside"; url: URL } | { kind: "mail"; href: string } | { kind: "file"; path: string } |
  { kind: "here"; id: string };

/** What an address means; undefined: nothing that may be followed. */
function target(raw: string, folder: string): Target | undefined {
  const text = raw.trim();
  if (text.startsWith("#")) return { kind: "here", id: decode(text.slice(1)) };
  if (!/^[a-z][a-z0-9+.-]*:|^[\\/]{2}/i.test(text)) {
    const path = resolvePath(folder, decode(text.replace(/[?#].*$/s, "")));
    return path ? { kind: "file", path } : undefined;
  }
  let url: URL;
  try {
    url = new URL(text, "https://outside.invalid/");
  } catch {
    return undefined;
  }
  if (url.protocol === "mailto:") return { kind: "mail", href: url.href };
  const web = url.protocol === "https:" || url.protocol === "http:";
  return web && !url.username && !url.password ? { kind: "outside", url } : undefined;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function unwrap(node: Element): void {
  node.replaceWith(...node.childNodes);
}

function dressLink(a: HTMLAnchorElement, s: Surroundings): void {
  const raw = a.getAttribute("href");
  const to = raw === null ? undefined : target(raw, s.folder);
  const inside = to?.kind === "file" ? s.fileLink(to.path) : undefined;
  if (to?.kind === "outside" || to?.kind === "mail") {
    a.href = to.kind === "mail" ? to.href : to.url.href;
    a.target = "_blank";
    a.rel = "noopener noreferrer nofollow ugc";
  } else if (to?.kind === "here") {
    a.href = `#${ID}${slug(to.id)}`;
  } else if (inside) {
    a.href = inside;
  } else {
    unwrap(a);
  }
}

function dressPicture(img: HTMLImageElement, s: Surroundings): void {
  const to = target(img.getAttribute("src") ?? "", s.folder);
  const src = to?.kind === "file" ? s.picture(to.path) : undefined;
  if (src) {
    img.src = src;
    img.loading = "lazy";
    img.decoding = "async";
    if (!img.hasAttribute("alt")) img.alt = "";
    return;
  }
  const alt = img.alt || (to?.kind === "file" ? to.path : "");
  if (to?.kind !== "outside") {
    img.replaceWith(alt);
    return;
  }
  const text = s.outside(alt, to.url.host);
  if (img.closest("a")) {
    img.replaceWith(text);
    return;
  }
  const a = img.ownerDocument.createElement("a");
  a.href = to.url.href;
  a.target = "_blank";
  a.rel = "noopener noreferrer nofollow ugc";
  a.textContent = text;
  img.replaceWith(a);
}

function slug(text: string): string {
  return text.trim().toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s+/g, "-").slice(0, 100);
}

/** One level down, for the page has a first heading; with an id that nothing else on the page has. */
function dressHeading(old: Element, taken: Map<string, number>): void {
  const h = old.ownerDocument.createElement(`h${Math.min(6, Number(old.tagName[1]) + 1)}`);
  h.append(...old.childNodes);
  for (const name of ["align", "dir", "lang"]) if (old.hasAttribute(name)) h.setAttribute(name, old.getAttribute(name) ?? "");
  const name = slug(h.textContent ?? "");
  const seen = taken.get(name) ?? 0;
  taken.set(name, seen + 1);
  if (name) h.id = ID + name + (seen ? `-${seen}` : "");
  old.replaceWith(h);
}

function dressWide(node: Element, className: string): void {
  const box = node.ownerDocument.createElement("div");
  box.className = className;
  box.tabIndex = 0;
  node.replaceWith(box);
  box.append(node);
}

/** Nodes that are safe to put into the page. `taken`: the headings that the page has of this text already. */
export function sanitize(html: string, s: Surroundings, taken = new Map<string, number>()): DocumentFragment {
  // It belongs to a document without a window until it is put into the page: nothing in it is fetched before.
  const part: DocumentFragment = DOMPurify.sanitize(html, CONFIG);
  for (const node of part.querySelectorAll("*"))
    for (const name of NUMBERS) {
      const value = node.getAttribute(name);
      if (value !== null && !/^\d{1,4}%?$/.test(value)) node.removeAttribute(name);
    }
  for (const img of part.querySelectorAll("img")) dressPicture(img, s);
  for (const a of part.querySelectorAll("a:not([rel])")) dressLink(a as HTMLAnchorElement, s);
  for (const h of part.querySelectorAll("h1, h2, h3, h4, h5, h6")) dressHeading(h, taken);
  for (const node of part.querySelectorAll("table")) {
    node.className = "table table-sm";
    if (!node.parentElement?.closest("table")) dressWide(node, "table-responsive");
  }
  for (const node of part.querySelectorAll<HTMLElement>("pre")) node.tabIndex = 0;
  return part;
}
