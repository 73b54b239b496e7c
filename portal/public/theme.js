// SPDX-License-Identifier: Apache-2.0
// Runs before the first paint, so that nobody is dazzled: light or dark as chosen, or as the system has it.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem("haven.theme");
  } catch (e) {
    /* storage may be refused: then the system decides */
  }
  var dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.setAttribute("data-bs-theme", dark ? "dark" : "light");
})();
