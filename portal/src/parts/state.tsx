// SPDX-License-Identifier: Apache-2.0
// A state in a word, with a colour that is never alone in saying it.
import { Icon, type IconName } from "../ui/icon";

export function State({ tone, text, icon }: { tone: "good" | "bad" | "idle"; text: string; icon?: IconName }) {
  const shown = icon ?? (tone === "good" ? "check" : tone === "bad" ? "exclamation" : "clock");
  return (
    <span class={`state state-${tone}`}>
      <Icon name={shown} /> {text}
    </span>
  );
}
