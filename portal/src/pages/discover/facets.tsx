// SPDX-License-Identifier: Apache-2.0
// What models can be narrowed by: the values of each facet with their counts, and a range of parameters.
import { useId, useState } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { t, type Key } from "../../i18n";
import { amount } from "../../lib/amount";
import * as format from "../../lib/format";
import type { useQuery } from "../../lib/url";

/** The facets in the order in which they are shown; each is a parameter of the search and a key of its counts. */
export const FACETS = [
  "task", "family", "architecture", "license", "format", "precision", "quantization", "library", "language",
  "base_model", "project", "label",
] as const;
export type Facet = (typeof FACETS)[number];
export type Query = ReturnType<typeof useQuery>;

const SHOWN = 6;
/** From so many values on there is a box to look among them. */
const SEARCHED = 12;
const RANGES: [string, string, Key][] = [
  ["", "1000000000", "range.small"], ["1000000000", "10000000000", "range.medium"],
  ["10000000000", "70000000000", "range.large"], ["70000000000", "", "range.huge"],
];

/** The question that the address asks. */
export function question(query: Query) {
  const chosen = Object.fromEntries(FACETS.map((f) => [f, query.all(f).join(",")]).filter(([, v]) => v));
  const number = (name: string) => (query.one(name) ? { [name]: Number(query.one(name)) } : {});
  const q = query.one("q");
  return { ...(q ? { q } : {}), ...chosen, ...number("min_parameters"), ...number("max_parameters") };
}

export function rangeText(min: string, max: string): string {
  const row = RANGES.find(([from, to]) => from === min && to === max);
  if (row) return t(row[2]);
  if (!max) return t("range.from", { from: format.count(Number(min)) });
  if (!min) return t("range.to", { to: format.count(Number(max)) });
  return t("range.between", { from: format.count(Number(min)), to: format.count(Number(max)) });
}

export function FacetBox({ facet, values, query }: { facet: Facet; values: Schemas["FacetValue"][]; query: Query }) {
  const [all, setAll] = useState(false);
  const [wanted, setWanted] = useState("");
  const chosen = new Set(query.all(facet));
  const words = wanted.trim().toLowerCase();
  const rest = values.filter((v) => !chosen.has(v.value ?? "") && (v.value ?? "").toLowerCase().includes(words));
  const shown = all || words ? rest : rest.slice(0, Math.max(0, SHOWN - chosen.size));
  if (values.length === 0 && chosen.size === 0) return null;
  const toggle = (value: string) => {
    const next = new Set(chosen);
    if (!next.delete(value)) next.add(value);
    query.set({ [facet]: [...next], page: "" });
  };
  const line = (value: string, count: number | undefined) => (
    <label class="facet" key={value}>
      <input type="checkbox" class="form-check-input" checked={chosen.has(value)} onChange={() => toggle(value)} />
      <span class="facet-name">{value}</span>
      {count !== undefined && <span class="facet-count">{format.count(count)}</span>}
    </label>
  );
  return (
    <fieldset class="facets">
      <legend>{t(`facet.${facet}`)}</legend>
      {(values.length >= SEARCHED || wanted !== "") && (
        <input type="search" class="form-control form-control-sm facet-find" value={wanted} placeholder={t("facet.find")}
          aria-label={t("facet.find.of", { facet: t(`facet.${facet}`) })} onInput={(e) => setWanted(e.currentTarget.value)} />
      )}
      {[...chosen].map((value) => line(value, values.find((v) => v.value === value)?.count ?? undefined))}
      <div class={all || words ? "facet-long" : ""}>{shown.map((v) => line(v.value ?? "", v.count ?? 0))}</div>
      {words && shown.length === 0 && <div class="form-text">{t("facet.find.none")}</div>}
      {rest.length > shown.length && (
        <button type="button" class="btn btn-link btn-sm p-0" onClick={() => setAll(true)}>
          {t("facet.more", { n: rest.length - shown.length })}
        </button>
      )}
      {all && !words && values.length > SHOWN && (
        <button type="button" class="btn btn-link btn-sm p-0" onClick={() => setAll(false)}>{t("facet.fewer")}</button>
      )}
    </fieldset>
  );
}

/** A free range, where the four that are given do not do. */
function OwnRange({ query }: { query: Query }) {
  const id = useId();
  const [wrong, setWrong] = useState(false);
  const [min, max] = [query.one("min_parameters"), query.one("max_parameters")];
  const submit = (e: Event) => {
    e.preventDefault();
    const form = new FormData(e.currentTarget as HTMLFormElement);
    const texts = [String(form.get("from")).trim(), String(form.get("to")).trim()];
    const [from, to] = texts.map((text) => (text ? amount(text) : null));
    const bad = from === undefined || to === undefined || (from !== null && to !== null && from > to);
    setWrong(bad);
    if (!bad) query.set({ min_parameters: from ? String(from) : "", max_parameters: to ? String(to) : "", page: "" });
  };
  const box = (name: string, label: string, value: string) => (
    <input class={`form-control form-control-sm ${wrong ? "is-invalid" : ""}`} name={name} aria-label={label} placeholder={label}
      key={value} defaultValue={value ? format.count(Number(value)) : ""} autocomplete="off" aria-invalid={wrong}
      {...(wrong ? { "aria-describedby": id } : {})} />
  );
  return (
    <form class="facet-range" onSubmit={submit}>
      {box("from", t("range.least"), min)}
      <span aria-hidden="true">–</span>
      {box("to", t("range.most"), max)}
      <button type="submit" class="btn btn-sm btn-outline-secondary">{t("range.apply")}</button>
      {wrong && <div class="form-text text-danger-emphasis" id={id} role="alert">{t("range.wrong")}</div>}
    </form>
  );
}

export function RangeBox({ query }: { query: Query }) {
  const min = query.one("min_parameters");
  const max = query.one("max_parameters");
  return (
    <fieldset class="facets">
      <legend>{t("facet.parameters")}</legend>
      {RANGES.map(([from, to, key]) => {
        const on = min === from && max === to;
        return (
          <label class="facet" key={key}>
            <input type="checkbox" class="form-check-input" checked={on}
              onChange={() => query.set({ min_parameters: on ? "" : from, max_parameters: on ? "" : to, page: "" })} />
            <span class="facet-name">{t(key)}</span>
          </label>
        );
      })}
      <OwnRange key={`${min} ${max}`} query={query} />
    </fieldset>
  );
}
