// SPDX-License-Identifier: Apache-2.0
// The audit log of a project or of the whole system; the filters stand in the address.
import { api, ask, askPage, type Schemas } from "../api/client";
import { t } from "../i18n";
import * as format from "../lib/format";
import { useLoad } from "../lib/load";
import { can, isAdmin } from "../lib/session";
import { useQuery } from "../lib/url";
import "../style/parts.css";
import { Pager, Table } from "../ui/table";
import { conditions, paging, word, type Scope } from "./scope";
import { State } from "./state";

type Entry = Schemas["AuditLogExt"];
type Query = ReturnType<typeof useQuery>;

/** What a project tells of. The system may know more, and is asked by those who may. */
const OPERATIONS = ["create", "delete", "update", "pull", "warn", "exceed"];
const TYPES = [
  "artifact", "tag", "repository", "project", "member", "robot", "label", "immutable", "quota", "link",
];
const FILTERS = ["op", "type", "user", "resource", "result", "from", "to"];

/** "create_artifact" is an operation on a kind of thing. */
function useKinds(scope: Scope): { operations: string[]; types: string[] } {
  const asks = scope === "system" && isAdmin() && can("listAuditLogEventTypes");
  const load = useLoad(
    asks ? (signal) => ask(api.GET("/api/v2.0/auditlog-exts/events", { signal })) : null,
    [asks],
  );
  if (!load.data) return { operations: OPERATIONS, types: TYPES };
  const names = load.data.map((e) => e.event_type ?? "");
  const part = (from: (name: string) => string) => [...new Set(names.map(from))].filter((x) => x !== "");
  return {
    operations: part((name) => name.split("_", 1)[0] ?? ""),
    types: part((name) => name.slice(name.indexOf("_") + 1)),
  };
}

/** "2026-03-01" as its first or last moment here, for the server in UTC. */
function moment(day: string, end: boolean): string {
  const at = new Date(`${day}T${end ? "23:59:59.999" : "00:00:00"}`);
  return Number.isNaN(at.getTime()) ? "" : at.toISOString();
}

function question(query: Query) {
  const [from, to] = [moment(query.one("from"), false), moment(query.one("to"), true)];
  return conditions({
    operation: query.one("op"),
    resource_type: query.one("type"),
    username: `~${query.one("user")}`,
    resource: `~${query.one("resource")}`,
    operation_result: query.one("result"),
    op_time: `[${from}~${to}]`,
  });
}

function Select({ query, name, label, options }: {
  query: Query;
  name: string;
  label: string;
  options: [string, string][];
}) {
  return (
    <label>
      <span>{label}</span>
      <select class="form-select form-select-sm" value={query.one(name)}
        onChange={(e) => query.set({ [name]: e.currentTarget.value, page: "" })}>
        <option value="">{t("audit.any")}</option>
        {options.map(([value, text]) => <option key={value} value={value}>{text}</option>)}
      </select>
    </label>
  );
}

function Words({ query, name, label, type = "search" }: { query: Query; name: string; label: string; type?: string }) {
  return (
    <label>
      <span>{label}</span>
      <input class="form-control form-control-sm" type={type} name={name} key={query.one(name)}
        defaultValue={query.one(name)} onChange={(e) => query.set({ [name]: e.currentTarget.value.trim(), page: "" })} />
    </label>
  );
}

function Filters({ scope, query }: { scope: Scope; query: Query }) {
  const kinds = useKinds(scope);
  const narrowed = FILTERS.some((name) => query.one(name) !== "");
  return (
    <form class="filters" role="search" onSubmit={(e) => e.preventDefault()}>
      <Select query={query} name="op" label={t("audit.operation")}
        options={kinds.operations.map((x) => [x, word("audit.op", x)])} />
      <Select query={query} name="type" label={t("audit.type")}
        options={kinds.types.map((x) => [x, word("audit.type", x)])} />
      <Select query={query} name="result" label={t("audit.result")}
        options={[["true", t("audit.done")], ["false", t("audit.failed")]]} />
      <Words query={query} name="user" label={t("audit.filter.user")} />
      <Words query={query} name="resource" label={t("audit.filter.resource")} />
      <Words query={query} name="from" label={t("time.from")} type="date" />
      <Words query={query} name="to" label={t("time.to")} type="date" />
      {narrowed && (
        <button type="button" class="btn btn-sm btn-outline-secondary"
          onClick={() => query.set({ ...Object.fromEntries(FILTERS.map((name) => [name, ""])), page: "" })}>
          {t("filter.clear")}
        </button>
      )}
    </form>
  );
}

/** With digests as short as people write them. */
function shortened(resource: string): string {
  return resource.replace(/\b(sha(?:256|512):[0-9a-f]{12})[0-9a-f]+/g, "$1");
}

/** The server's words say more than the columns beside them. */
function saysMore(x: Entry): boolean {
  return !!x.operation_description && x.operation_description !== `${x.operation} ${x.resource_type}: ${x.resource}`;
}

export function AuditLog({ scope }: { scope: Scope }) {
  const query = useQuery();
  const of = scope === "system" ? "" : scope.name;
  const load = useLoad(
    (signal) => {
      const asked = { ...question(query), ...paging(query) };
      return askPage(
        of
          ? api.GET("/api/v2.0/projects/{project_name}/auditlog-exts",
              { params: { path: { project_name: of }, query: asked }, signal })
          : api.GET("/api/v2.0/auditlog-exts", { params: { query: asked }, signal }),
      );
    },
    [of, query.text],
  );
  return (
    <>
      <Filters scope={scope} query={query} />
      <Table<Entry> load={load} caption={t("audit.title")} empty={t("audit.none")} rowKey={(x) => x.id ?? 0}
        columns={[
          { title: t("audit.when"), sort: "op_time", cell: (x) => x.op_time && (
            <time class="text-nowrap" dateTime={x.op_time} title={format.ago(x.op_time)}>{format.time(x.op_time)}</time>
          ) },
          { title: t("audit.who"), sort: "username", cell: (x) => <span class="who">{x.username || t("audit.nobody")}</span> },
          { title: t("audit.what"), sort: "operation", cell: (x) => (
            <span class="text-nowrap">
              {word("audit.op", x.operation ?? "")} · {word("audit.type", x.resource_type ?? "")}
            </span>
          ) },
          { title: t("audit.resource"), cell: (x) => (
            <>
              <span class="resource" title={x.resource ?? ""}>{shortened(x.resource ?? "")}</span>
              {saysMore(x) && <small class="d-block text-body-secondary">{x.operation_description}</small>}
            </>
          ) },
          { title: t("audit.result"), cell: (x) => (
            <State tone={x.operation_result ? "good" : "bad"} text={t(x.operation_result ? "audit.done" : "audit.failed")} />
          ) },
          { title: t("audit.address"), minor: true, cell: (x) => <code>{x.client_address}</code> },
        ]} />
      {load.data && <Pager total={load.data.total} />}
    </>
  );
}
