// SPDX-License-Identifier: Apache-2.0
import { info } from "../lib/session";

/** The name that clients know this registry by. */
export function registryHost(): string {
  return (info.value.registry_url || location.host).replace(/^\w+:\/\//, "").replace(/\/+$/, "");
}

/** A word for a shell, quoted where it has to be: names of robots hold a dollar. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
