// SPDX-License-Identifier: Apache-2.0
// The page's policy lets no string become markup or the address of a script (Content-Security-Policy:
// require-trusted-types-for). What was built into the program, as icons are, passes here; what strangers wrote passes
// the sanitiser (sanitize.ts) and nothing else.

interface Policy {
  createHTML(text: string): unknown;
  createScriptURL(text: string): unknown;
}

const same = (text: string) => text;
const factory = (globalThis as { trustedTypes?: { createPolicy(name: string, rules: object): Policy } }).trustedTypes;
const policy = factory?.createPolicy("haven", { createHTML: same, createScriptURL: same });

/** Markup that is part of the program. */
export function trusted(builtIn: string): string {
  return (policy ? policy.createHTML(builtIn) : builtIn) as string;
}

/** The address of a script that is part of the program. */
export function trustedScript(builtIn: string): string {
  return (policy ? policy.createScriptURL(builtIn) : builtIn) as string;
}
