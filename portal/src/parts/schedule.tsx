// SPDX-License-Identifier: Apache-2.0
// When something runs by itself: the usual times, or six fields of cron.
import { useState } from "preact/hooks";
import type { Schemas } from "../api/client";
import { t, type Key } from "../i18n";
import { CheckedField } from "../ui/field-errors";

export type When = { type: string; cron: string };

const TYPES = ["None", "Hourly", "Daily", "Weekly", "Custom"] as const;

export function whenOf(s: Schemas["ScheduleObj"] | null | undefined): When {
  return { type: s?.type || "None", cron: s?.cron ?? "" };
}

/** As the API wants it. */
export function wanted(when: When): Schemas["ScheduleObj"] {
  return when.type === "Custom" ? { type: "Custom", cron: when.cron.trim() } : { type: when.type };
}

/** "Daily (00:00 UTC)" */
export function whenText(when: When): string {
  return when.type === "Custom" ? t("schedule.cron", { cron: when.cron }) : t(`schedule.${when.type}` as Key);
}

export function ScheduleFields({ value, onChange, error }: { value: When; onChange: (next: When) => void; error: unknown }) {
  const [cron, setCron] = useState(value.cron || "0 0 3 * * *");
  return (
    <>
      <CheckedField name="schedule" label={t("schedule.label")} error={error}>
        {(a) => (
          <select {...a} class={`form-select ${a.class}`} value={value.type}
            onChange={(e) => onChange({ type: e.currentTarget.value, cron })}>
            {TYPES.map((x) => <option key={x} value={x}>{t(`schedule.${x}` as Key)}</option>)}
          </select>
        )}
      </CheckedField>
      {value.type === "Custom" && (
        <CheckedField name="cron" label={t("schedule.fields")} hint={t("schedule.fields.hint")} error={error}>
          {(a) => <input {...a} class={`form-control font-monospace ${a.class}`} required spellcheck={false} autocomplete="off" value={cron}
            onInput={(e) => {
              setCron(e.currentTarget.value);
              onChange({ type: "Custom", cron: e.currentTarget.value });
            }} />}
        </CheckedField>
      )}
    </>
  );
}
