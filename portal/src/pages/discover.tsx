// SPDX-License-Identifier: Apache-2.0
// The first page: find a model by words and by what is known of it.
import { useState } from "preact/hooks";
import { api, ask, askPage, type Schemas } from "../api/client";
import { t, type Key } from "../i18n";
import * as format from "../lib/format";
import { useLoad } from "../lib/load";
import { can, user } from "../lib/session";
import { link, modelLink, pageOf, useQuery } from "../lib/url";
import { Bytes, Chip, Count, Empty, Failure, Loaded, Loading, Page, Time } from "../ui/basic";
import { Icon } from "../ui/icon";
import { Pager, PAGE_SIZE } from "../ui/table";

type Found = Schemas["FoundModel"];

/** The facets in the order in which they are shown; each is a parameter of the search and a key of its counts. */
const FACETS = [
  "task", "family", "architecture", "license", "format", "precision", "quantization", "library", "language",
  "base_model", "project", "label",
] as const;
type Facet = (typeof FACETS)[number];
const SHOWN = 6;
const SORTS = ["relevance", "-update", "-pulls", "-size", "size", "-parameters", "parameters", "name"];
const RANGES: [string, string, Key][] = [
  ["", "1000000000", "range.small"], ["1000000000", "10000000000", "range.medium"],
  ["10000000000", "70000000000", "range.large"], ["70000000000", "", "range.huge"],
];

type Query = ReturnType<typeof useQuery>;

/** The question that the address asks. */
function question(query: Query) {
  const chosen = Object.fromEntries(FACETS.map((f) => [f, query.all(f).join(",")]).filter(([, v]) => v));
  const number = (name: string) => (query.one(name) ? { [name]: Number(query.one(name)) } : {});
  const q = query.one("q");
  return { ...(q ? { q } : {}), ...chosen, ...number("min_parameters"), ...number("max_parameters") };
}

export function FacetBox({ facet, values, query }: { facet: Facet; values: Schemas["FacetValue"][]; query: Query }) {
  const [all, setAll] = useState(false);
  const chosen = new Set(query.all(facet));
  const rest = values.filter((v) => !chosen.has(v.value ?? ""));
  const shown = all ? rest : rest.slice(0, Math.max(0, SHOWN - chosen.size));
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
      {[...chosen].map((value) => line(value, values.find((v) => v.value === value)?.count ?? undefined))}
      {shown.map((v) => line(v.value ?? "", v.count ?? 0))}
      {rest.length > shown.length && (
        <button type="button" class="btn btn-link btn-sm p-0" onClick={() => setAll(true)}>
          {t("facet.more", { n: rest.length - shown.length })}
        </button>
      )}
    </fieldset>
  );
}

function RangeBox({ query }: { query: Query }) {
  const min = query.one("min_parameters");
  const max = query.one("max_parameters");
  return (
    <fieldset class="facets">
      <legend>{t("facet.parameters")}</legend>
      {RANGES.map(([from, to, key]) => {
        const on = min === from && max === to && (from || to) !== "";
        return (
          <label class="facet" key={key}>
            <input type="checkbox" class="form-check-input" checked={on}
              onChange={() => query.set({ min_parameters: on ? "" : from, max_parameters: on ? "" : to, page: "" })} />
            <span class="facet-name">{t(key)}</span>
          </label>
        );
      })}
    </fieldset>
  );
}

export function ModelCard({ model }: { model: Found }) {
  const project = model.project ?? "";
  const repository = (model.repository ?? "").slice(project.length + 1);
  const tag = model.tags?.[0];
  const facts: [Key, string | null | undefined][] = [
    ["facet.task", model.task], ["facet.format", model.format], ["facet.precision", model.precision],
    ["facet.quantization", model.quantization],
  ];
  return (
    <article class="card model">
      <div class="model-name">
        <h2>
          <a href={modelLink(project, repository, { tag: tag ?? "" })}>{model.display_name ?? model.repository}</a>
        </h2>
        {tag && <Chip icon="tag">{tag}</Chip>}
      </div>
      {(model.description || model.title) && <p class="model-text">{model.description || model.title}</p>}
      <div class="chips">
        {facts.map(([key, value]) => value && <Chip key={key} title={t(key)}>{value}</Chip>)}
        {(model.licenses ?? []).map((l) => <Chip key={l} icon="scale" title={t("facet.license")}>{l}</Chip>)}
        {(model.labels ?? []).map((l) => <Chip key={l} icon="tags" title={t("facet.label")}>{l}</Chip>)}
      </div>
      <div class="model-foot">
        {!!model.parameters && <span title={t("facet.parameters")}><Icon name="cpu" /> <Count n={model.parameters} /></span>}
        <span title={t("size")}><Icon name="box" /> <Bytes n={model.size} /></span>
        <span title={t("pulls")}><Icon name="download" /> <Count n={model.pulls} /></span>
        <span><Icon name="clock" /> <Time at={model.update_time} /></span>
      </div>
    </article>
  );
}

export function Discover() {
  const query = useQuery();
  const [open, setOpen] = useState(false);
  const asked = question(query);
  const sort = query.one("sort");
  const page = pageOf(query);
  const who = user.value?.user_id;
  const found = useLoad(
    async (signal) => {
      const more = { page, page_size: PAGE_SIZE, ...(sort ? { sort } : {}) };
      return askPage(api.GET("/api/v2.0/models", { params: { query: { ...asked, ...more } }, signal }));
    },
    [query.text, who],
  );
  const facets = useLoad(
    can("getModelFacets")
      ? (signal) => ask(api.GET("/api/v2.0/models/facets", { params: { query: asked }, signal }))
      : null,
    [JSON.stringify(asked), who],
  );
  const narrowed = Object.keys(asked).length > 0;
  const submit = (e: Event) => {
    e.preventDefault();
    const field = (e.currentTarget as HTMLFormElement).elements.namedItem("q") as HTMLInputElement;
    query.set({ q: field.value.trim(), page: "", sort: "" });
  };
  return (
    <Page title={t("discover.title")} lead={t("discover.lead")}>
      <form class="search-large" role="search" onSubmit={submit}>
        <Icon name="search" />
        <input class="form-control form-control-lg" type="search" name="q" key={query.one("q")}
          defaultValue={query.one("q")} placeholder={t("search.models")} aria-label={t("search.models")} />
        <button type="submit" class="btn btn-primary">{t("search")}</button>
      </form>
      <div class="columns">
        <aside class={`side ${open ? "open" : ""}`} aria-label={t("facet.label_all")}>
          <button type="button" class="btn btn-outline-secondary side-toggle" aria-expanded={open}
            onClick={() => setOpen(!open)}>{t("facet.label_all")}</button>
          <div class="side-body">
            {narrowed && (
              <a class="btn btn-sm btn-outline-secondary mb-3" href={link("/")}>{t("facet.clear")}</a>
            )}
            <RangeBox query={query} />
            {facets.error !== undefined && <Failure error={facets.error} retry={facets.reload} />}
            {facets.loading && !facets.data && <Loading />}
            {facets.data && FACETS.map((f) => <FacetBox key={f} facet={f} values={facets.data?.[f] ?? []} query={query} />)}
          </div>
        </aside>
        <section class="results" aria-label={t("discover.results")}>
          <div class="results-head">
            <strong aria-live="polite">
              {found.data && t(facets.data?.more ? "discover.countMore" : "discover.count", { n: found.data.total })}
            </strong>
            <label class="d-flex align-items-center gap-2">
              <span class="text-body-secondary text-nowrap">{t("sort")}</span>
              <select class="form-select form-select-sm" value={sort || (query.one("q") ? "relevance" : "-update")}
                onChange={(e) => query.set({ sort: e.currentTarget.value, page: "" })}>
                {SORTS.filter((s) => s !== "relevance" || query.one("q")).map((s) => (
                  <option key={s} value={s}>{t(`sort.${s}` as Key)}</option>
                ))}
              </select>
            </label>
          </div>
          {facets.data?.complete === false && <div class="alert alert-info" role="status">{t("discover.incomplete")}</div>}
          <Loaded of={found}>
            {(data) =>
              data.items.length === 0 ? (
                <Empty icon="search">{t(narrowed ? "discover.none" : "discover.empty")}</Empty>
              ) : (
                <div class="models">
                  {data.items.map((m) => <ModelCard key={`${m.repository}@${m.digest}`} model={m} />)}
                </div>
              )
            }
          </Loaded>
          {found.data && <Pager total={found.data.total} more={facets.data?.more ?? undefined} />}
        </section>
      </div>
    </Page>
  );
}
