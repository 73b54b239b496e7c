// SPDX-License-Identifier: Apache-2.0
// An amount of bytes to write: a number with its unit, or no limit.
import { useState } from "preact/hooks";
import { t } from "../i18n";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

function split(bytes: number): { number: string; unit: number } {
  let unit = 0;
  while (bytes && bytes % 1024 === 0 && unit < UNITS.length - 1) {
    bytes /= 1024;
    unit++;
  }
  return bytes > 0 ? { number: String(bytes), unit } : { number: "", unit: 3 };
}

/** `value`: bytes, or -1 for no limit; undefined is told while what is written is no number. */
export function SizeInput({ id, value, onChange, describedBy }: {
  id: string;
  value: number;
  onChange: (bytes: number | undefined) => void;
  describedBy?: string | undefined;
}) {
  const [state, setState] = useState(() => ({ ...split(value), limited: value >= 0 }));
  const change = (part: Partial<typeof state>) => {
    const next = { ...state, ...part };
    setState(next);
    const bytes = Math.round(Number(next.number) * 1024 ** next.unit);
    onChange(!next.limited ? -1 : next.number.trim() !== "" && bytes >= 0 && Number.isSafeInteger(bytes) ? bytes : undefined);
  };
  return (
    <div>
      <div class="form-check mb-2">
        <input class="form-check-input" type="checkbox" id={`${id}-none`} checked={!state.limited}
          onChange={(e) => change({ limited: !e.currentTarget.checked })} />
        <label class="form-check-label" for={`${id}-none`}>{t("size.unlimited")}</label>
      </div>
      <div class="input-group">
        <input id={id} class="form-control" type="number" min="0" step="any" inputmode="decimal" value={state.number}
          disabled={!state.limited} required={state.limited} aria-describedby={describedBy}
          onInput={(e) => change({ number: e.currentTarget.value })} />
        <select class="form-select size-unit" aria-label={t("size.unit")} value={String(state.unit)} disabled={!state.limited}
          onChange={(e) => change({ unit: Number(e.currentTarget.value) })}>
          {UNITS.map((u, i) => <option key={u} value={String(i)}>{u}</option>)}
        </select>
      </div>
    </div>
  );
}
