// SPDX-License-Identifier: Apache-2.0
// Public or private: as a mark, and as a choice that says what it means.
import { t } from "../i18n";
import { Chip } from "../ui/basic";

export function Visibility({ isPublic }: { isPublic: boolean }) {
  return (
    <Chip icon={isPublic ? "globe" : "lock"} title={t(isPublic ? "projects.public.text" : "projects.private.text")}>
      {t(isPublic ? "projects.public" : "projects.private")}
    </Chip>
  );
}

export function VisibilityChoice({ isPublic, onChange, disabled, quiet }: {
  isPublic: boolean;
  onChange: (isPublic: boolean) => void;
  disabled?: boolean;
  /** A heading above says what is chosen. */
  quiet?: boolean;
}) {
  return (
    <fieldset class="mb-3">
      <legend class={quiet ? "visually-hidden" : "form-label"}>{t("projects.visibility")}</legend>
      {[false, true].map((value) => (
        <label class="choice" key={String(value)}>
          <input type="radio" class="form-check-input" name="visibility" checked={isPublic === value} disabled={disabled}
            onChange={() => onChange(value)} />
          <span>
            <strong>{t(value ? "projects.public" : "projects.private")}</strong>
            <small>{t(value ? "projects.public.text" : "projects.private.text")}</small>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
