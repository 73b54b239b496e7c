// SPDX-License-Identifier: Apache-2.0
// What the operator tells everybody: plain text, or Harbor's JSON of it.

export const KINDS = ["info", "success", "warning", "danger"] as const;
export type Kind = (typeof KINDS)[number];

export interface Said {
  message: string;
  kind: Kind;
}

function asKind(word: unknown): Kind {
  return KINDS.find((k) => k === word) ?? "info";
}

export function readBanner(text: string): Said {
  try {
    const said: unknown = JSON.parse(text);
    if (said && typeof said === "object" && "message" in said && typeof said.message === "string")
      return { message: said.message, kind: asKind("type" in said ? said.type : "") };
  } catch {
    // plain text
  }
  return { message: text, kind: "info" };
}

/** As it is kept: plain where that says the same. */
export function writeBanner({ message, kind }: Said): string {
  const text = message.trim();
  if (!text) return "";
  return kind === "info" && readBanner(text).message === text
    ? text
    : JSON.stringify({ message: text, type: kind, closable: false });
}

export function Banner({ text }: { text: string }) {
  const { message, kind } = readBanner(text);
  return message ? <div class={`alert alert-${kind} banner`} role="status">{message}</div> : null;
}
