// SPDX-License-Identifier: Apache-2.0
// Texts: en.ts names every one of them; another language is one more file with the same keys, and a row here.
import { signal } from "@preact/signals";
import { en } from "./en";
import { zhCN } from "./zh-CN";

export type Key = keyof typeof en;
export type Texts = Record<Key, string>;

export const LANGUAGES: Record<string, { name: string; texts: Texts }> = {
  en: { name: "English", texts: en },
  "zh-CN": { name: "简体中文", texts: zhCN },
};

const STORED = "haven.language";

function stored(): string | null {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

function preferred(): string {
  const chosen = stored();
  if (chosen && chosen in LANGUAGES) return chosen;
  return navigator.languages.find((l) => /^(en|zh)/i.test(l))?.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
}

export const language = signal(preferred());

export function setLanguage(code: string): void {
  language.value = code;
  document.documentElement.lang = code;
  try {
    localStorage.setItem(STORED, code);
  } catch {
    // then it is chosen for this visit alone
  }
}
document.documentElement.lang = language.value;

type Params = Record<string, string | number>;

/**
 * A text in the language chosen; {name} is replaced by params.name. A text with "|" has a form for one and one for
 * the rest, told by params.n.
 */
export function t(key: Key, params: Params = {}): string {
  let text: string = (LANGUAGES[language.value] ?? LANGUAGES.en!).texts[key];
  const forms = text.split("|");
  if (forms.length === 2 && params.n !== undefined) text = forms[Number(params.n) === 1 ? 0 : 1]!;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? value.toLocaleString(language.value) : value;
  });
}
