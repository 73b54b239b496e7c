// SPDX-License-Identifier: Apache-2.0
// Light or dark: theme.js decides before the first paint, this changes it afterwards.
import { signal } from "@preact/signals";

export type Theme = "light" | "dark";

export const theme = signal<Theme>(document.documentElement.getAttribute("data-bs-theme") === "dark" ? "dark" : "light");

export function setTheme(next: Theme): void {
  theme.value = next;
  document.documentElement.setAttribute("data-bs-theme", next);
  try {
    localStorage.setItem("haven.theme", next);
  } catch {
    // then it is chosen for this visit alone
  }
}
