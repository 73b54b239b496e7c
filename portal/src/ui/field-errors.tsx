// SPDX-License-Identifier: Apache-2.0
// What the server refuses is said where it was written: its messages begin with the name of the field.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { ApiError } from "../api/client";
import { Failure } from "./basic";
import "../style/admin.css";

export function fieldOf(error: unknown): string {
  return error instanceof ApiError ? error.field : "";
}

/** The error of a form, unless it is said at one of its fields. */
export function FormFailure({ error, fields }: { error: unknown; fields: string[] }) {
  return error !== undefined && !fields.includes(fieldOf(error)) ? <Failure error={error} /> : null;
}

/** The message without the field's own name in front. */
function told(error: ApiError): string {
  return error.message.replace(/^"\w+"(: )?\s*/, "");
}

/** A control of the field `name`, with what is wrong with it; `children` is given the attributes to use. */
export function CheckedField({ name, label, hint, error, children }: {
  name: string;
  label: ComponentChildren;
  hint?: ComponentChildren;
  error: unknown;
  children: (attributes: { id: string; class: string; "aria-invalid": boolean; "aria-describedby": string }) => ComponentChildren;
}) {
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const wrong = error instanceof ApiError && error.field === name ? error : undefined;
  useEffect(() => {
    if (wrong) box.current?.querySelector<HTMLElement>("input, select, textarea")?.focus();
  }, [wrong]);
  return (
    <div class="mb-3" ref={box}>
      <label class="form-label" for={id}>{label}</label>
      {children({ id, class: wrong ? "is-invalid" : "", "aria-invalid": !!wrong, "aria-describedby": `${id}-hint ${id}-wrong` })}
      <div class="field-wrong" id={`${id}-wrong`} role="alert">{wrong && told(wrong)}</div>
      <div class="form-text" id={`${id}-hint`}>{hint}</div>
    </div>
  );
}
