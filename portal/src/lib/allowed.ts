// SPDX-License-Identifier: Apache-2.0
// What texts of strangers may hold of HTML. Both that read them (workers/html.ts, lib/sanitize.ts) keep to it.

export const TAGS = [
  "a", "abbr", "b", "blockquote", "br", "caption", "code", "dd", "del", "details", "div", "dl", "dt", "em", "figcaption",
  "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s",
  "samp", "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u",
  "ul", "var", "wbr",
];

/** No id and no name: they would become properties of the document. No class and no style. */
export const ATTRIBUTES = [
  "align", "alt", "colspan", "dir", "height", "href", "lang", "open", "rowspan", "src", "start", "title", "width",
];
