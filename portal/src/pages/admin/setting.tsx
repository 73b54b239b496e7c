// SPDX-License-Identifier: Apache-2.0
// One setting: the control follows from what it is.
import { useState } from "preact/hooks";
import { api, ask } from "../../api/client";
import { t, type Key } from "../../i18n";
import { en } from "../../i18n/en";
import { useLoad } from "../../lib/load";
import { can } from "../../lib/session";
import { Loaded } from "../../ui/basic";
import { CheckedField } from "../../ui/field-errors";
import { SizeInput } from "../../ui/size";

export type Value = string | number | boolean;

const CHOICES: Record<string, string[]> = { project_creation_restriction: ["everyone", "adminonly"] };
/** Bytes, with -1 for no limit. */
const SIZES = new Set(["storage_per_project"]);
const KINDS_OF_ENTRIES = "disabled_audit_log_event_types";

/** A text that may be there: a server that is newer than these pages has settings that they do not know. */
function maybe(key: string): string | undefined {
  return key in en ? t(key as Key) : undefined;
}

interface Props {
  name: string;
  value: Value;
  editable: boolean;
  error: unknown;
  onChange: (value: Value) => void;
}

/** Kinds of entries between commas, to be ticked. */
function Kinds({ value, editable, onChange }: { value: string; editable: boolean; onChange: (value: string) => void }) {
  const load = useLoad((signal) => ask(api.GET("/api/v2.0/auditlog-exts/events", { signal })), []);
  const [open, setOpen] = useState(false);
  const chosen = value.split(",").map((x) => x.trim()).filter(Boolean);
  return (
    <details class="more" open={open} onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>{t("config.kinds", { n: chosen.length })}</summary>
      <Loaded of={load}>
        {(kinds) => (
          <div class="checks">
            {kinds.map((k) => {
              const kind = k.event_type ?? "";
              const on = chosen.includes(kind);
              return (
                <label class="form-check" key={kind}>
                  <input class="form-check-input" type="checkbox" checked={on} disabled={!editable}
                    onChange={() => onChange((on ? chosen.filter((x) => x !== kind) : [...chosen, kind]).join(","))} />
                  <span class="form-check-label">{kind}</span>
                </label>
              );
            })}
          </div>
        )}
      </Loaded>
    </details>
  );
}

export function Setting({ name, value, editable, error, onChange }: Props) {
  const label = (
    <>
      {maybe(`setting.${name}`) ?? name} <code class="setting-name">{name}</code>
      {!editable && <span class="badge text-bg-secondary ms-2">{t("config.fixed")}</span>}
    </>
  );
  const choices = CHOICES[name];
  return (
    <CheckedField name={name} label={label} hint={maybe(`setting.${name}.hint`)} error={error}>
      {(a) => {
        if (typeof value === "boolean")
          return (
            <div class="form-check form-switch">
              <input {...a} class={`form-check-input ${a.class}`} type="checkbox" role="switch" checked={value} disabled={!editable}
                onChange={(e) => onChange(e.currentTarget.checked)} />
            </div>
          );
        if (!editable) return <input {...a} class="form-control" readOnly value={String(value)} />;
        if (SIZES.has(name) && typeof value === "number")
          return <SizeInput id={a.id} value={value} describedBy={a["aria-describedby"]}
            onChange={(bytes) => bytes !== undefined && onChange(bytes)} />;
        if (typeof value === "number")
          return <input {...a} class={`form-control short ${a.class}`} type="number" step="1" required value={String(value)}
            onInput={(e) => e.currentTarget.value !== "" && onChange(Number(e.currentTarget.value))} />;
        if (choices)
          return (
            <select {...a} class={`form-select short ${a.class}`} value={value} onChange={(e) => onChange(e.currentTarget.value)}>
              {choices.map((c) => <option key={c} value={c}>{maybe(`setting.${name}.${c}`) ?? c}</option>)}
            </select>
          );
        if (name === KINDS_OF_ENTRIES && can("listAuditLogEventTypes"))
          return <div id={a.id} role="group" aria-describedby={a["aria-describedby"]}><Kinds value={value} editable={editable} onChange={onChange} /></div>;
        return <input {...a} class={`form-control ${a.class}`} type="text" autocomplete="off" spellcheck={false} value={value}
          onInput={(e) => onChange(e.currentTarget.value)} />;
      }}
    </CheckedField>
  );
}
