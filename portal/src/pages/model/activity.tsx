// SPDX-License-Identifier: Apache-2.0
// What happens in the repository of a model: how often it is pulled, and who did what.
import { api, ask, askPage, type Schemas } from "../../api/client";
import { language, t } from "../../i18n";
import * as format from "../../lib/format";
import { useLoad } from "../../lib/load";
import { can } from "../../lib/session";
import { pageOf, useQuery } from "../../lib/url";
import { Count, Loaded, Time } from "../../ui/basic";
import { Choice, type Column, Columns } from "../../ui/chart";
import { type Column as TableColumn, Pager, PAGE_SIZE, Table } from "../../ui/table";
import type { TabProps } from "./tabs";
import "../../style/model-tabs.css";

type Day = Schemas["ActivityDay"];
type Entry = Schemas["AuditLogExt"];

const SPANS = ["30", "90", "365"] as const;
type Span = (typeof SPANS)[number];
/** More columns than these are weeks. */
const DAYS_DRAWN = 90;

function dayText(day: string, style: "short" | "long"): string {
  // The day of the server, not the one that it is here at its midnight.
  return new Date(`${day}T00:00:00Z`).toLocaleDateString(language.value, style === "short"
    ? { day: "numeric", month: "short", timeZone: "UTC" }
    : { dateStyle: "long", timeZone: "UTC" });
}

interface Period {
  label: string;
  name: string;
  pulls: number;
  pushes: number;
  deletes: number;
}

function add(days: Day[], key: "pulls" | "pushes" | "deletes"): number {
  return days.reduce((n, d) => n + (d[key] ?? 0), 0);
}

/** The days, or weeks of seven of them that end today. */
function periods(days: Day[]): Period[] {
  const size = days.length > DAYS_DRAWN ? 7 : 1;
  const list: Period[] = [];
  for (let end = days.length; end > 0; end -= size) {
    const part = days.slice(Math.max(0, end - size), end);
    const first = part[0]?.day ?? "";
    const last = part[part.length - 1]?.day ?? "";
    list.unshift({
      label: dayText(first, "short"),
      name: size === 1 ? dayText(first, "long") : `${dayText(first, "long")} – ${dayText(last, "long")}`,
      pulls: add(part, "pulls"), pushes: add(part, "pushes"), deletes: add(part, "deletes"),
    });
  }
  return list;
}

function Chart({ activity }: { activity: Schemas["Activity"] }) {
  const all = periods(activity.days ?? []);
  const column = (values: (p: Period) => number[]): Column[] =>
    all.map((p) => ({ label: p.label, name: p.name, values: values(p) }));
  const n = (activity.days ?? []).length;
  const period = t(n > DAYS_DRAWN ? "activity.week" : "activity.day");
  return (
    <>
      <dl class="sums">
        <div class="sum"><dt>{t("activity.pulls")}</dt><dd><Count n={activity.pulls} /></dd></div>
        <div class="sum"><dt>{t("activity.pushes")}</dt><dd><Count n={activity.pushes} /></dd></div>
        <div class="sum"><dt>{t("activity.deletes")}</dt><dd><Count n={activity.deletes} /></dd></div>
      </dl>
      <Columns title={t("activity.pulls")} name={period} show={format.count} exact={format.number}
        label={t("activity.pulls.label", { n: activity.pulls ?? 0, days: n })}
        keys={[{ name: t("activity.pulls"), colour: 0 }]} columns={column((p) => [p.pulls])} />
      {!!((activity.pushes ?? 0) + (activity.deletes ?? 0)) && (
        <Columns title={t("activity.changes")} name={period} show={format.count} exact={format.number} height={130}
          label={t("activity.changes.label", { pushes: activity.pushes ?? 0, deletes: activity.deletes ?? 0, days: n })}
          keys={[{ name: t("activity.pushes"), colour: 2 }, { name: t("activity.deletes"), colour: 1 }]}
          columns={column((p) => [p.pushes, p.deletes])} />
      )}
      <p class="form-text">{t("activity.known")}</p>
    </>
  );
}

/** What was done, without the name of what it was done to, which stands beside it. */
function what(e: Entry): string {
  const said = e.operation_description || `${e.operation} ${e.resource_type}`;
  const name = `: ${e.resource}`;
  return said.endsWith(name) ? said.slice(0, -name.length) : said;
}

/** The tag or the start of the digest: all are of the same repository. */
function version(resource: string): string {
  const at = resource.search(/[:@]/);
  return at < 0 ? "" : resource[at] === "@" ? format.shortDigest(resource.slice(at + 1)) : resource.slice(at + 1);
}

const COLUMNS: () => TableColumn<Entry>[] = () => [
  { title: t("activity.when"), cell: (e) => <span class="text-nowrap"><Time at={e.op_time} /></span>, sort: "op_time" },
  { title: t("activity.who"), cell: (e) => <span class="actor">{e.username}</span>, sort: "username" },
  {
    title: t("activity.what"),
    cell: (e) => (
      <>
        {what(e)}
        {!e.operation_result && <span class="badge text-bg-danger ms-2">{t("activity.failed")}</span>}
      </>
    ),
  },
  { title: t("activity.resource"), cell: (e) => <code class="tensor-name" title={e.resource ?? ""}>{version(e.resource ?? "")}</code> },
  { title: t("activity.from"), cell: (e) => <span class="actor">{e.client_address}</span>, minor: true },
];

function Log({ at }: Pick<TabProps, "at">) {
  const query = useQuery();
  const page = pageOf(query);
  const [sort, operation] = [query.one("sort"), query.one("operation")];
  const list = useLoad(
    (signal) =>
      askPage(api.GET("/api/v2.0/projects/{project_name}/auditlog-exts", {
        params: {
          path: { project_name: at.project },
          query: {
            repository: at.repository, page, page_size: PAGE_SIZE, ...(sort && { sort }),
            ...(operation && { q: `operation=${operation}` }),
          },
        },
        signal,
      })),
    [at.project, at.repository, page, sort, operation],
  );
  return (
    <section aria-label={t("activity.log")}>
      <div class="chart-head">
        <h3>{t("activity.log")}</h3>
        <Choice label={t("activity.what")} chosen={operation} choose={(o) => query.set({ operation: o, page: "" })}
          of={[
            { value: "", text: t("activity.all") }, { value: "create", text: t("activity.pushes") },
            { value: "pull", text: t("activity.pulls") }, { value: "delete", text: t("activity.deletes") },
          ]} />
      </div>
      <Table load={list} columns={COLUMNS()} rowKey={(e) => e.id ?? 0} caption={t("activity.log")} empty={t("activity.log.empty")} />
      {list.data && <Pager total={list.data.total} />}
    </section>
  );
}

export default function Activity({ at }: TabProps) {
  const query = useQuery();
  const asked = query.one("days");
  const days: Span = SPANS.find((s) => s === asked) ?? "30";
  const activity = useLoad(
    (signal) =>
      ask(api.GET("/api/v2.0/projects/{project_name}/repositories/{repository_name}/activity", {
        params: { path: { project_name: at.project, repository_name: at.repository }, query: { days: Number(days) } }, signal,
      })),
    [at.project, at.repository, days],
  );
  return (
    <>
      <div class="toolbar">
        <Choice<Span> label={t("activity.span")} chosen={days} choose={(d) => query.set({ days: d === "30" ? "" : d })}
          of={SPANS.map((s) => ({ value: s, text: t("activity.days", { n: Number(s) }) }))} />
      </div>
      <Loaded of={activity}>{(data) => <Chart activity={data} />}</Loaded>
      {can("getLogExts") && at.rights.may("log", "list") && <Log at={at} />}
    </>
  );
}
