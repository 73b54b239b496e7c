// SPDX-License-Identifier: Apache-2.0
// Markdown to HTML, beside the page: a text that takes for ever is given up without the page having stood still.
// What comes out is as dangerous as what went in: lib/sanitize.ts sees to that.
import { Marked } from "marked";

const marked = new Marked({
  gfm: true,
  async: false,
  renderer: {
    // A box that can be ticked would be a form.
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  },
});

onmessage = (e: MessageEvent<string>) => {
  postMessage(marked.parse(e.data));
};
