// SPDX-License-Identifier: Apache-2.0
// Markdown to HTML, beside the page: a text that takes for ever is given up without the page having stood still.
// What comes out is sanitised once more, by the page itself: lib/sanitize.ts.
import { Marked } from "marked";
import { cleanHtml } from "./html";

const marked = new Marked({
  gfm: true,
  async: false,
  renderer: {
    // A box that can be ticked would be a form.
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
    html: ({ text }) => cleanHtml(text),
  },
});

onmessage = (e: MessageEvent<string>) => {
  postMessage(marked.parse(e.data));
};
