// SPDX-License-Identifier: Apache-2.0
// The runs of one kind of job of the system: the collection and the purge of the audit log have the same form.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { askPage, type Page, type Schemas } from "../api/client";
import { t, type Key } from "../i18n";
import * as format from "../lib/format";
import { useLoad, type Load } from "../lib/load";
import { usePoll } from "../lib/poll";
import { pageOf, useQuery } from "../lib/url";
import { Time } from "../ui/basic";
import { Confirm } from "../ui/dialog";
import { RowButton } from "../ui/row-button";
import { Pager, PAGE_SIZE, Table } from "../ui/table";
import { say } from "../ui/toast";
import { JobLog } from "./job-log";

export type Run = Schemas["GCHistory"] | Schemas["ExecHistory"];

/** What a run was to do and did: the API gives it as the text of an object. */
export type Facts = Record<string, string | number | boolean>;

export function factsOf(run: { job_parameters?: string | null }): Facts {
  try {
    const said: unknown = JSON.parse(run.job_parameters ?? "{}");
    const facts: Facts = {};
    if (said && typeof said === "object")
      for (const [key, value] of Object.entries(said))
        if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") facts[key] = value;
    return facts;
  } catch {
    return {};
  }
}

export function isUnderWay(run: Run): boolean {
  return run.job_status === "Pending" || run.job_status === "Running";
}

const TONES: Record<string, string> = {
  Success: "text-bg-success", Error: "text-bg-danger", Stopped: "text-bg-warning", Running: "text-bg-info", Pending: "text-bg-secondary",
};

export function State({ of }: { of: string }) {
  return (
    <span class={`badge ${TONES[of] ?? "text-bg-secondary"}`}>
      {of === "Running" && <span class="spinner-border spinner-border-sm me-1" aria-hidden="true" />}
      {of in TONES ? t(`jobs.state.${of}` as Key) : of}
    </span>
  );
}

/** "12 s" of what ran. */
function Took({ run }: { run: Run }) {
  if (isUnderWay(run) || !run.creation_time || !run.update_time) return <>–</>;
  const seconds = (new Date(run.update_time).getTime() - new Date(run.creation_time).getTime()) / 1000;
  return <>{format.seconds(Math.max(0, seconds))}</>;
}

export interface JobApi {
  list: (query: { page: number; page_size: number; sort?: string }, signal: AbortSignal) => Parameters<typeof askPage<Run>>[0];
  stop: (id: number) => Promise<unknown>;
  log: (id: number, signal: AbortSignal) => Promise<string>;
}

export function useRuns(jobs: JobApi): Load<Page<Run>> {
  const query = useQuery();
  const page = pageOf(query);
  const sort = query.one("sort");
  const load = useLoad(
    (signal) => askPage(jobs.list({ page, page_size: PAGE_SIZE, ...(sort ? { sort } : {}) }, signal)), [page, sort],
  );
  usePoll(load.reload, 1500, load.data?.items.some(isUnderWay) ?? false);
  return load;
}

export function JobHistory({ jobs, load, what, result, mayStop }: {
  jobs: JobApi;
  load: Load<Page<Run>>;
  /** What it was to do. */
  what: (facts: Facts) => ComponentChildren;
  /** What it did. */
  result: (facts: Facts) => ComponentChildren;
  mayStop: boolean;
}) {
  const query = useQuery();
  const [doomed, setDoomed] = useState<Run>();
  const shown = Number(query.one("log"));
  const followed = load.data?.items.find((r) => r.id === shown);
  return (
    <>
      <Table<Run> load={load} caption={t("jobs.history")} empty={t("jobs.history.empty")} rowKey={(r) => r.id ?? 0}
        columns={[
          { title: "#", sort: "id", minor: true, cell: (r) => r.id },
          { title: t("jobs.asked"), sort: "creation_time", cell: (r) => (
            <><Time at={r.creation_time} /> <span class="text-body-secondary">· {t(`jobs.kind.${r.job_kind}` as Key)}</span></>
          ) },
          { title: t("jobs.what"), minor: true, cell: (r) => <span class="chips">{what(factsOf(r))}</span> },
          { title: t("jobs.state"), sort: "job_status", cell: (r) => <State of={r.job_status ?? ""} /> },
          { title: t("jobs.result"), cell: (r) => (isUnderWay(r) ? "–" : result(factsOf(r))) },
          { title: t("jobs.took"), end: true, minor: true, cell: (r) => <Took run={r} /> },
        ]}
        actions={(r) => (
          <>
            {isUnderWay(r) && mayStop && <RowButton icon="stop" label={t("jobs.stop.of", { id: String(r.id) })} onClick={() => setDoomed(r)} />}
            <RowButton icon="journal" label={t("jobs.log.of", { id: String(r.id) })} onClick={() => query.set({ log: String(r.id) })} />
          </>
        )} />
      {load.data && <Pager total={load.data.total} />}
      {Number.isInteger(shown) && shown > 0 && (
        <JobLog id={shown} read={jobs.log} live={!!followed && isUnderWay(followed)} onClose={() => query.set({ log: "" }, true)} />
      )}
      {doomed && (
        <Confirm title={t("jobs.stop.of", { id: String(doomed.id) })} action={t("jobs.stop")} loses={t("jobs.stop.text")}
          onClose={() => setDoomed(undefined)}
          work={async () => {
            await jobs.stop(doomed.id ?? 0);
            say(t("jobs.stopped", { id: String(doomed.id) }));
            load.reload();
          }} />
      )}
    </>
  );
}
