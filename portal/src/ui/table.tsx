// SPDX-License-Identifier: Apache-2.0
// Lists as the server gives them: a page at a time, with its own order, and all states of waiting.
import type { ComponentChildren } from "preact";
import { type Page } from "../api/client";
import { t } from "../i18n";
import type { Load } from "../lib/load";
import { pageOf, useQuery } from "../lib/url";
import { Empty, Failure, Loading } from "./basic";
import { Icon } from "./icon";
import "../style/table.css";

export interface Column<T> {
  title: string;
  cell: (row: T) => ComponentChildren;
  /** The server's name of it in ?sort=, if it can be sorted by. */
  sort?: string;
  /** Numbers stand at the right. */
  end?: boolean;
  /** Left out on small screens. */
  minor?: boolean;
  /** The title is for who hears the page alone. */
  quiet?: boolean;
}

/** The order in the address: "" or a field, with "-" in front. */
function SortHead({ column }: { column: { title: string; sort: string } }) {
  const query = useQuery();
  const now = query.one("sort");
  const direction = now === column.sort ? "ascending" : now === `-${column.sort}` ? "descending" : "none";
  const next = direction === "ascending" ? `-${column.sort}` : column.sort;
  return (
    <button type="button" class={`sort sort-${direction}`} onClick={() => query.set({ sort: next, page: "" })}>
      {column.title}
      <Icon name="chevronDown" />
    </button>
  );
}

function ariaSort(now: string, field: string | undefined): "ascending" | "descending" | undefined {
  return field && now === field ? "ascending" : field && now === `-${field}` ? "descending" : undefined;
}

export function Table<T>({ load, columns, rowKey, empty, caption, actions }: {
  load: Load<Page<T>>;
  columns: Column<T>[];
  rowKey: (row: T) => string | number;
  /** What is said where there is nothing. */
  empty: ComponentChildren;
  /** What the table holds, for who hears the page. */
  caption: string;
  /** What can be done with a row. */
  actions?: (row: T) => ComponentChildren;
}) {
  const now = useQuery().one("sort");
  if (load.error !== undefined) return <Failure error={load.error} retry={load.reload} />;
  if (!load.data) return <Loading />;
  if (load.data.items.length === 0) return <Empty>{empty}</Empty>;
  return (
    <div class="table-responsive" aria-busy={load.loading}>
      <table class="table table-hover align-middle rows">
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((c) => (
              <th scope="col" key={c.title} class={`${c.end ? "text-end" : ""} ${c.minor ? "minor" : ""}`}
                aria-sort={ariaSort(now, c.sort)}>
                {c.sort ? <SortHead column={{ title: c.title, sort: c.sort }} />
                  : c.quiet ? <span class="visually-hidden">{c.title}</span> : c.title}
              </th>
            ))}
            {actions && <th scope="col" class="text-end"><span class="visually-hidden">{t("actions")}</span></th>}
          </tr>
        </thead>
        <tbody>
          {load.data.items.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((c) => (
                <td key={c.title} class={`${c.end ? "text-end" : ""} ${c.minor ? "minor" : ""} ${c.quiet ? "quiet" : ""}`} data-title={c.title}>
                  {c.cell(row)}
                </td>
              ))}
              {actions && <td class="text-end row-actions">{actions(row)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export const PAGE_SIZE = 20;

/** Which part of the list is shown, and the way to the others; the number stands in the address. */
export function Pager({ total, size = PAGE_SIZE, more }: { total: number; size?: number; more?: boolean | undefined }) {
  const query = useQuery();
  const page = pageOf(query);
  const last = Math.max(1, Math.ceil(total / size));
  if (total === 0) return null;
  const go = (to: number) => {
    query.set({ page: to === 1 ? "" : String(to) });
    scrollTo({ top: 0 });
  };
  return (
    <nav class="pager" aria-label={t("pager.label")}>
      <span class="text-body-secondary">
        {t(more ? "pager.more" : "pager.of", { from: (page - 1) * size + 1, to: Math.min(total, page * size), total })}
      </span>
      {last > 1 && (
        <span class="btn-group">
          <button type="button" class="btn btn-sm btn-outline-secondary" disabled={page <= 1}
            onClick={() => go(page - 1)}>{t("pager.previous")}</button>
          <button type="button" class="btn btn-sm btn-outline-secondary" disabled={page >= last}
            onClick={() => go(page + 1)}>{t("pager.next")}</button>
        </span>
      )}
    </nav>
  );
}

/** A box that narrows a list; the words stand in the address. */
export function Filter({ name = "q", placeholder }: { name?: string; placeholder: string }) {
  const query = useQuery();
  const submit = (e: Event) => {
    e.preventDefault();
    const field = (e.currentTarget as HTMLFormElement).elements.namedItem(name) as HTMLInputElement;
    query.set({ [name]: field.value.trim(), page: "" });
  };
  return (
    <form class="filter" role="search" onSubmit={submit}>
      <Icon name="search" />
      <input class="form-control" type="search" name={name} key={query.one(name)} defaultValue={query.one(name)}
        placeholder={placeholder} aria-label={placeholder} />
    </form>
  );
}
