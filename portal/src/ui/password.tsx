// SPDX-License-Identifier: Apache-2.0
// A new password, written twice, with the rules told before anything is sent.
import { useId } from "preact/hooks";
import { t, type Key } from "../i18n";
import { Field } from "./basic";
import { Icon } from "./icon";
import "../style/admin.css";

/** As the server has them. */
const RULES: [Key, (p: string) => boolean][] = [
  ["password.length", (p) => bytesOf(p) >= 8 && bytesOf(p) <= 128],
  ["password.upper", (p) => /[A-Z]/.test(p)],
  ["password.lower", (p) => /[a-z]/.test(p)],
  ["password.digit", (p) => /[0-9]/.test(p)],
];

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

export interface NewPassword {
  first: string;
  again: string;
}

export const noPassword: NewPassword = { first: "", again: "" };

/** It keeps the rules, and both are the same. */
export function isGood(p: NewPassword): boolean {
  return RULES.every(([, kept]) => kept(p.first)) && p.first === p.again;
}

export function PasswordFields({ value, onChange, label }: {
  value: NewPassword;
  onChange: (next: NewPassword) => void;
  label: string;
}) {
  const id = useId();
  const differs = value.again !== "" && value.again !== value.first;
  return (
    <>
      <div class="mb-3">
        <label class="form-label" for={id}>{label}</label>
        <input id={id} class="form-control" type="password" autocomplete="new-password" required value={value.first}
          aria-describedby={`${id}-rules`} onInput={(e) => onChange({ ...value, first: e.currentTarget.value })} />
        <ul class="rules" id={`${id}-rules`}>
          {RULES.map(([key, kept]) => {
            const good = kept(value.first);
            return (
              <li key={key} class={good ? "rule-kept" : ""}>
                <Icon name={good ? "check" : "circle"} /> {t(key)}
                <span class="visually-hidden"> ({t(good ? "password.kept" : "password.open")})</span>
              </li>
            );
          })}
        </ul>
      </div>
      <Field label={t("password.again")} {...(differs ? { hint: <span class="text-danger">{t("password.differs")}</span> } : {})}>
        {(a) => (
          <input {...a} class={`form-control ${differs ? "is-invalid" : ""}`} type="password" autocomplete="new-password"
            required value={value.again} aria-invalid={differs}
            onInput={(e) => onChange({ ...value, again: e.currentTarget.value })} />
        )}
      </Field>
    </>
  );
}
