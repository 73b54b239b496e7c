// SPDX-License-Identifier: Apache-2.0
// Roles of projects: what they are called, what each may do.
import { t, type Key } from "../i18n";

/** The server's numbers, from the least to the most. */
export const ROLES = [5, 3, 2, 4, 1];

export const PROJECT_ADMIN = 1;

export function roleName(id: number | null | undefined): string {
  return id && ROLES.includes(id) ? t(`role.${id}` as Key) : "";
}

export function RoleChoice({ role, onChange }: { role: number; onChange: (role: number) => void }) {
  return (
    <fieldset class="mb-0">
      <legend class="form-label mb-0">{t("role.choose")}</legend>
      <p class="form-text mt-0 mb-2">{t("role.choose.hint")}</p>
      {ROLES.map((id) => (
        <label class="choice" key={id}>
          <input type="radio" class="form-check-input" name="role" checked={role === id} onChange={() => onChange(id)} />
          <span>
            <strong>{roleName(id)}</strong>
            <small>{t(`role.${id}.text` as Key)}</small>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
