// SPDX-License-Identifier: Apache-2.0
// What people say about themselves, and administrators about them.
import type { Schemas } from "../api/client";
import { t } from "../i18n";
import type { User } from "../lib/session";
import { CheckedField } from "../ui/field-errors";

export const PROFILE_FIELDS = ["realname", "email", "comment"];

/** The fields of a profile; `foreign`: of somebody else. */
export function ProfileFields({ who, error, foreign }: { who: User; error: unknown; foreign?: boolean }) {
  return (
    <>
      <CheckedField name="realname" label={t("user.realname")} error={error}>
        {(a) => <input {...a} class={`form-control ${a.class}`} name="realname" autocomplete={foreign ? "off" : "name"} defaultValue={who.realname ?? ""} />}
      </CheckedField>
      <CheckedField name="email" label={t("user.email")} error={error}>
        {(a) => <input {...a} class={`form-control ${a.class}`} name="email" type="email" autocomplete={foreign ? "off" : "email"} required
          defaultValue={who.email ?? ""} />}
      </CheckedField>
      <CheckedField name="comment" label={t("user.comment")} error={error}>
        {(a) => <textarea {...a} class={`form-control ${a.class}`} name="comment" rows={2} defaultValue={who.comment ?? ""} />}
      </CheckedField>
    </>
  );
}

export function profileOf(form: HTMLFormElement): Schemas["UserProfile"] {
  const data = new FormData(form);
  const text = (name: string) => String(data.get(name) ?? "").trim();
  return { realname: text("realname"), email: text("email"), comment: text("comment") };
}
