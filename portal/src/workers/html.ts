// SPDX-License-Identifier: Apache-2.0
// HTML within Markdown: tags and attributes that are allowed are written anew, the rest goes. What comes out holds no
// handler, no style and no element that is read in a way of its own, before a browser reads any of it.
import { ATTRIBUTES, TAGS } from "../lib/allowed";

const tags = new Set(TAGS);
const attributes = new Set(ATTRIBUTES);
/** Gone with all that is in them. */
const WHOLE = /^(?:script|style|textarea|title|xmp|iframe|noembed|noframes|noscript|plaintext|template|svg|math|select|object|head)$/;
const SPACE = /[\t\n\f\r /]/;

function quoted(text: string): string {
  return text.replace(/"/g, "&quot;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

/** The attributes behind the name of a tag, and where the tag ends. */
function readAttributes(text: string, from: number): { kept: string; end: number } {
  let kept = "";
  let at = from;
  while (at < text.length && text[at] !== ">") {
    if (SPACE.test(text[at] ?? "")) {
      at++;
      continue;
    }
    const begin = at++;
    while (at < text.length && !/[\t\n\f\r />=]/.test(text[at] ?? "")) at++;
    const name = text.slice(begin, at).toLowerCase();
    let value = "";
    let next = at;
    while (/[\t\n\f\r ]/.test(text[next] ?? "")) next++;
    if (text[next] === "=") {
      next++;
      while (/[\t\n\f\r ]/.test(text[next] ?? "")) next++;
      const quote = text[next];
      if (quote === '"' || quote === "'") {
        const end = text.indexOf(quote, next + 1);
        if (end < 0) return { kept, end: text.length };
        value = text.slice(next + 1, end);
        at = end + 1;
      } else {
        at = next;
        while (at < text.length && !/[\t\n\f\r >]/.test(text[at] ?? "")) at++;
        value = text.slice(next, at);
      }
    }
    if (attributes.has(name)) kept += ` ${name}="${quoted(value)}"`;
  }
  return { kept, end: at + 1 };
}

export function cleanHtml(text: string): string {
  let out = "";
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf("<", at);
    if (open < 0) return out + text.slice(at);
    out += text.slice(at, open);
    if (text.startsWith("<!--", open)) {
      const end = text.indexOf("-->", open);
      at = end < 0 ? text.length : end + 3;
      continue;
    }
    if (/^<[!?]/.test(text.slice(open, open + 2))) {
      const end = text.indexOf(">", open);
      at = end < 0 ? text.length : end + 1;
      continue;
    }
    const name = /^<(\/?)([a-zA-Z][^\t\n\f\r />]*)/.exec(text.slice(open, open + 64));
    if (!name) {
      out += "&lt;";
      at = open + 1;
      continue;
    }
    const tag = (name[2] ?? "").toLowerCase();
    const { kept, end } = readAttributes(text, open + name[0].length);
    at = end;
    if (tags.has(tag)) {
      out += name[1] ? `</${tag}>` : `<${tag}${kept}>`;
    } else if (!name[1] && WHOLE.test(tag)) {
      const close = new RegExp(`</${tag}[^>]*>`, "gi");
      close.lastIndex = end;
      at = close.exec(text) ? close.lastIndex : text.length;
    }
  }
  return out;
}
