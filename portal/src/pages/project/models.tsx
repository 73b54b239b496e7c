// SPDX-License-Identifier: Apache-2.0
// The models of a project, with the few facets that tell models of one team apart.
import { useState } from "preact/hooks";
import { api, ask, askPage } from "../../api/client";
import { t } from "../../i18n";
import { useLoad } from "../../lib/load";
import { can, user } from "../../lib/session";
import { useQuery } from "../../lib/url";
import { paging } from "../../parts/scope";
import { PushHelp } from "../../parts/push-help";
import { Empty, Loaded } from "../../ui/basic";
import { Icon } from "../../ui/icon";
import { Filter, Pager } from "../../ui/table";
import { FacetBox, ModelCard } from "../discover";
import type { Here } from "./context";

const FACETS = ["task", "format", "quantization", "license", "label"] as const;

export function Models({ name, may }: Here) {
  const query = useQuery();
  const [open, setOpen] = useState(false);
  const q = query.one("q");
  const chosen = Object.fromEntries(FACETS.map((f) => [f, query.all(f).join(",")]).filter(([, v]) => v));
  const asked = { project: name, ...(q ? { q } : {}), ...chosen };
  const who = user.value?.user_id;
  const found = useLoad(
    (signal) => askPage(api.GET("/api/v2.0/models",
      { params: { query: { ...asked, ...paging(query, q ? "" : "-update") } }, signal })),
    [name, query.text, who],
  );
  const facets = useLoad(
    can("getModelFacets")
      ? (signal) => ask(api.GET("/api/v2.0/models/facets", { params: { query: asked }, signal }))
      : null,
    [JSON.stringify(asked), who],
  );
  const narrowed = q !== "" || Object.keys(chosen).length > 0;
  const total = found.data?.total ?? 0;
  if (found.data && total === 0 && !narrowed)
    return (
      <>
        <Empty>{t("models.empty")}</Empty>
        {may("repository", "push") && <PushHelp project={name} />}
      </>
    );
  return (
    <div class="columns">
      <aside class={`side ${open ? "open" : ""}`}>
        <button type="button" class="btn btn-sm btn-outline-secondary side-toggle" aria-expanded={open}
          onClick={() => setOpen(!open)}>
          {t("facet.label_all")}
        </button>
        <div class="side-body">
          {narrowed && (
            <button type="button" class="btn btn-sm btn-outline-secondary mb-3"
              onClick={() => query.set({ q: "", page: "", ...Object.fromEntries(FACETS.map((f) => [f, ""])) })}>
              {t("facet.clear")}
            </button>
          )}
          {facets.data && FACETS.map((f) => <FacetBox key={f} facet={f} values={facets.data?.[f] ?? []} query={query} />)}
        </div>
      </aside>
      <section aria-label={t("discover.results")}>
        <div class="toolbar">
          <Filter placeholder={t("models.filter")} />
          <strong class="end" aria-live="polite">{found.data && t("discover.count", { n: total })}</strong>
        </div>
        {facets.data?.complete === false && <div class="alert alert-info" role="status">{t("discover.incomplete")}</div>}
        <Loaded of={found}>
          {(data) => data.items.length === 0 ? <Empty icon="search">{t("models.none")}</Empty> : (
            <div class="models">{data.items.map((m) => <ModelCard key={`${m.repository}@${m.digest}`} model={m} />)}</div>
          )}
        </Loaded>
        {found.data && <Pager total={total} />}
        {may("repository", "push") && (
          <details class="mt-4"><summary class="mb-3"><Icon name="box" /> {t("summary.push")}</summary><PushHelp project={name} /></details>
        )}
      </section>
    </div>
  );
}
