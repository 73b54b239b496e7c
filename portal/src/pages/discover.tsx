// SPDX-License-Identifier: Apache-2.0
// The first page: find a model by words and by what is known of it.
import { useRef, useState } from "preact/hooks";
import { api, ask, askPage, type Page as ListPage, type Schemas } from "../api/client";
import { t, type Key } from "../i18n";
import { useSlash } from "../lib/keys";
import { type Load, useLoad } from "../lib/load";
import { can, user } from "../lib/session";
import { pageOf, useQuery } from "../lib/url";
import { Empty, Failure, Page } from "../ui/basic";
import { Icon } from "../ui/icon";
import { Pager, PAGE_SIZE } from "../ui/table";
import { Active } from "./discover/active";
import { FacetSkeletons, ModelCard, Skeletons } from "./discover/card";
import { FacetBox, FACETS, type Query, question, RangeBox } from "./discover/facets";
import "../style/discover.css";

export { FacetBox, ModelCard };

const SORTS = ["relevance", "-update", "-pulls", "-size", "size", "-parameters", "parameters", "name"];
const SKELETONS = 6;

function SearchForm({ query }: { query: Query }) {
  const box = useRef<HTMLInputElement>(null);
  useSlash(box);
  const submit = (e: Event) => {
    e.preventDefault();
    query.set({ q: box.current?.value.trim() ?? "", page: "", sort: "" });
  };
  return (
    <form class="search-large" role="search" onSubmit={submit}>
      <div class="search-box">
        <Icon name="search" />
        <input ref={box} class="form-control form-control-lg" type="search" name="q" key={query.one("q")}
          defaultValue={query.one("q")} placeholder={t("search.models")} aria-label={t("search.models")} aria-keyshortcuts="/" />
        <kbd class="search-key" aria-hidden="true">/</kbd>
      </div>
      <button type="submit" class="btn btn-primary">{t("search")}</button>
    </form>
  );
}

function Side({ query, facets }: { query: Query; facets: Load<Schemas["ModelFacets"]> }) {
  const [open, setOpen] = useState(false);
  return (
    <aside class={`side ${open ? "open" : ""}`} aria-label={t("facet.label_all")}>
      <button type="button" class="btn btn-outline-secondary side-toggle" aria-expanded={open}
        onClick={() => setOpen(!open)}>{t("facet.label_all")}</button>
      <div class="side-body">
        <RangeBox query={query} />
        {facets.error !== undefined && <Failure error={facets.error} retry={facets.reload} />}
        {facets.loading && !facets.data && <FacetSkeletons />}
        {facets.data && FACETS.map((f) => <FacetBox key={f} facet={f} values={facets.data?.[f] ?? []} query={query} />)}
      </div>
    </aside>
  );
}

function Results({ query, found, narrowed }: { query: Query; found: Load<ListPage<Schemas["FoundModel"]>>; narrowed: boolean }) {
  if (found.error !== undefined) return <Failure error={found.error} retry={found.reload} />;
  if (!found.data) return <Skeletons n={SKELETONS} />;
  if (found.data.items.length === 0)
    return <Empty icon="search">{t(narrowed ? "discover.none" : "discover.empty")}</Empty>;
  return (
    <div class={`models ${found.loading ? "stale" : ""}`} aria-busy={found.loading}>
      {found.data.items.map((m) => <ModelCard key={`${m.repository}@${m.digest}`} model={m} words={query.one("q")} />)}
    </div>
  );
}

export function Discover() {
  const query = useQuery();
  const asked = question(query);
  const sort = query.one("sort");
  const page = pageOf(query);
  const who = user.value?.user_id;
  const found = useLoad(
    async (signal) => {
      const more = { page, page_size: PAGE_SIZE, ...(sort ? { sort } : {}) };
      return askPage(api.GET("/api/v2.0/models", { params: { query: { ...asked, ...more } }, signal }));
    },
    [JSON.stringify(asked), sort, page, who],
  );
  const facets = useLoad(
    can("getModelFacets")
      ? (signal) => ask(api.GET("/api/v2.0/models/facets", { params: { query: asked }, signal }))
      : null,
    [JSON.stringify(asked), who],
  );
  return (
    <Page title={t("discover.title")} lead={t("discover.lead")}>
      <SearchForm query={query} />
      <div class="columns discover">
        <Side query={query} facets={facets} />
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
          <Active query={query} />
          {facets.data?.complete === false && <div class="alert alert-info" role="status">{t("discover.incomplete")}</div>}
          <Results query={query} found={found} narrowed={Object.keys(asked).length > 0} />
          {found.data && <Pager total={found.data.total} more={facets.data?.more ?? undefined} />}
        </section>
      </div>
    </Page>
  );
}
