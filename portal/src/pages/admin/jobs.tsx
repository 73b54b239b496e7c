// SPDX-License-Identifier: Apache-2.0
// What waits to be done in the background, what runs, and when it is asked for.
import { useState } from "preact/hooks";
import { api, ask, askPage, type Schemas } from "../../api/client";
import { t, type Key } from "../../i18n";
import { en } from "../../i18n/en";
import * as format from "../../lib/format";
import { useLoad, type Load } from "../../lib/load";
import { usePoll } from "../../lib/poll";
import { can } from "../../lib/session";
import { pageOf, useQuery } from "../../lib/url";
import { JobLog } from "../../parts/job-log";
import { Chip, Copy, Loaded, Time } from "../../ui/basic";
import { Confirm } from "../../ui/dialog";
import { RowButton } from "../../ui/row-button";
import { Section } from "../../ui/section";
import { Pager, PAGE_SIZE, Table } from "../../ui/table";
import { say } from "../../ui/toast";

type Queue = Schemas["JobQueue"];
type Task = Schemas["ScheduleTask"];
type Worker = Schemas["Worker"];
const EVERY_MS = 5000;

/** What a kind of job is in words; what is not known has the server's name. */
export function kindName(type: string | null | undefined): string {
  const key = `jobs.type.${type ?? ""}`;
  return key in en ? t(key as Key) : (type ?? "");
}

async function act(type: string, action: "pause" | "resume" | "stop") {
  await ask(api.PUT("/api/v2.0/jobservice/queues/{job_type}", { params: { path: { job_type: type } }, body: { action } }));
}

type Asked = { what: "pause" | "stop"; queue: Queue };

function Ask({ asked, onClose, done }: { asked: Asked; onClose: () => void; done: () => void }) {
  const name = kindName(asked.queue.job_type);
  const { what, queue } = asked;
  return (
    <Confirm title={t(`jobs.${what}.of`, { name, id: name })} action={t(`jobs.${what}`)} onClose={onClose}
      loses={what === "stop" ? t("jobs.queue.stop.text", { n: queue.count ?? 0, name })
        : t(queue.job_type === "SCHEDULER" ? "jobs.pause.schedules" : "jobs.pause.text", { name })}
      work={async () => {
        await act(queue.job_type ?? "", what);
        say(t(what === "stop" ? "jobs.emptied" : "jobs.paused", { name }));
        done();
      }} />
  );
}

function Queues({ load }: { load: Load<Queue[]> }) {
  const [asked, setAsked] = useState<Asked>();
  const acts = can("actionPendingJobs");
  const resume = async (queue: Queue) => {
    await act(queue.job_type ?? "", "resume");
    say(t("jobs.resumed", { name: kindName(queue.job_type) }));
    load.reload();
  };
  const page = { ...load, data: load.data && { items: load.data, total: load.data.length } };
  return (
    <>
      <Table<Queue> load={page} caption={t("jobs.queues")} empty={t("jobs.none")} rowKey={(q) => q.job_type ?? ""}
        columns={[
          { title: t("jobs.type"), cell: (q) => <><strong>{kindName(q.job_type)}</strong> <code class="setting-name minor">{q.job_type}</code></> },
          { title: t("jobs.pending"), end: true, cell: (q) => format.number(q.count ?? 0) },
          { title: t("jobs.latency"), end: true, minor: true, cell: (q) => (q.count ? format.seconds(q.latency ?? 0) : "–") },
          { title: t("jobs.state"), cell: (q) => q.paused ? <Chip icon="pause">{t("jobs.isPaused")}</Chip> : <span class="text-nowrap">{t("jobs.open")}</span> },
        ]}
        {...(acts ? {
          actions: (q: Queue) => {
            const name = kindName(q.job_type);
            return (
              <>
                {q.paused
                  ? <RowButton icon="play" label={t("jobs.resume.of", { name })} onClick={() => void resume(q)} />
                  : <RowButton icon="pause" label={t("jobs.pause.of", { name })} onClick={() => setAsked({ what: "pause", queue: q })} />}
                {q.job_type !== "SCHEDULER" && (
                  <RowButton icon="stop" danger disabled={!q.count} label={t("jobs.empty.of", { name })}
                    onClick={() => setAsked({ what: "stop", queue: q })} />
                )}
              </>
            );
          },
        } : {})} />
      {asked && <Ask asked={asked} onClose={() => setAsked(undefined)} done={load.reload} />}
    </>
  );
}

function Schedules() {
  const query = useQuery();
  const page = pageOf(query);
  const sort = query.one("sort");
  const load = useLoad(
    (signal) => askPage(api.GET("/api/v2.0/schedules", {
      params: { query: { page, page_size: PAGE_SIZE, ...(sort ? { sort } : {}) } }, signal,
    })),
    [page, sort],
  );
  return (
    <>
      <Table<Task> load={load} caption={t("jobs.schedules")} empty={t("jobs.schedules.none")} rowKey={(s) => s.id ?? 0}
        columns={[
          { title: t("jobs.type"), cell: (s) => <strong>{kindName(s.vendor_type)}</strong> },
          { title: t("jobs.cron"), sort: "cron", cell: (s) => <code>{s.cron}</code> },
          { title: t("updated"), sort: "update_time", minor: true, cell: (s) => <Time at={s.update_time} /> },
        ]} />
      {load.data && <Pager total={load.data.total} />}
    </>
  );
}

const log = (id: number, signal: AbortSignal) => ask(api.GET("/api/v2.0/jobservice/jobs/{job}/log", {
  params: { path: { job: String(id) } }, signal, parseAs: "text",
}));

function Workers({ load, done }: { load: Load<Worker[]>; done: () => void }) {
  const query = useQuery();
  const [doomed, setDoomed] = useState<string>();
  const shown = Number(query.one("log"));
  const page = { ...load, data: load.data && { items: load.data, total: load.data.length } };
  return (
    <>
      <Table<Worker> load={page} caption={t("jobs.workers")} empty={t("jobs.none")} rowKey={(w) => `${w.pool_id} ${w.id}`}
        columns={[
          { title: t("jobs.worker"), cell: (w) => w.id },
          { title: t("jobs.doing"), cell: (w) => w.job_id ? <><strong>{kindName(w.job_name)}</strong> #{w.job_id}</>
            : <span class="text-body-secondary">{t("jobs.idle")}</span> },
          { title: t("jobs.since"), cell: (w) => w.job_id ? <Time at={w.start_at} /> : "–" },
          { title: t("jobs.beat"), minor: true, cell: (w) => w.job_id ? <Time at={w.checkin_at} /> : "–" },
        ]}
        actions={(w) => w.job_id && (
          <>
            {can("actionGetJobLog") && <RowButton icon="journal" label={t("jobs.log.of", { id: w.job_id })}
              onClick={() => query.set({ log: w.job_id ?? "" })} />}
            {can("stopRunningJob") && <RowButton icon="stop" danger label={t("jobs.stop.of", { id: w.job_id })}
              onClick={() => setDoomed(w.job_id ?? "")} />}
          </>
        )} />
      {Number.isInteger(shown) && shown > 0 && (
        <JobLog id={shown} read={log} live={load.data?.some((w) => w.job_id === String(shown)) ?? false}
          onClose={() => query.set({ log: "" }, true)} />
      )}
      {doomed && (
        <Confirm title={t("jobs.stop.of", { id: doomed })} action={t("jobs.stop")} loses={t("jobs.stop.text")}
          onClose={() => setDoomed(undefined)} work={async () => {
            await ask(api.PUT("/api/v2.0/jobservice/jobs/{job}", { params: { path: { job: doomed } } }));
            say(t("jobs.stopped", { id: doomed }));
            done();
          }} />
      )}
    </>
  );
}

function Pools() {
  const load = useLoad((signal) => ask(api.GET("/api/v2.0/jobservice/pools", { signal })), []);
  usePoll(load.reload, EVERY_MS, true);
  return (
    <Loaded of={load}>
      {(pools) => pools.map((p) => (
        <dl class="facts card card-body mb-3" key={p.worker_pool_id}>
          <dt>{t("jobs.host")}</dt><dd>{p.host} · {t("jobs.process")} {p.pid}</dd>
          <dt>{t("jobs.pool")}</dt><dd><code>{p.worker_pool_id}</code> <Copy text={p.worker_pool_id ?? ""} /></dd>
          <dt>{t("jobs.started")}</dt><dd><Time at={p.start_at} /></dd>
          <dt>{t("jobs.looked")}</dt><dd><Time at={p.heartbeat_at} /></dd>
          <dt>{t("jobs.atOnce")}</dt><dd>{p.concurrency}</dd>
        </dl>
      ))}
    </Loaded>
  );
}

export default function Jobs() {
  const queues = useLoad((signal) => ask(api.GET("/api/v2.0/jobservice/queues", { signal })), []);
  const workers = useLoad((signal) => ask(api.GET("/api/v2.0/jobservice/pools/{pool_id}/workers", {
    params: { path: { pool_id: "all" } }, signal,
  })), []);
  const again = () => {
    queues.reload();
    workers.reload();
  };
  usePoll(queues.reload, EVERY_MS, true);
  usePoll(workers.reload, EVERY_MS, true);
  return (
    <>
      <Section title={t("jobs.queues")} lead={t("jobs.queues.lead")}><Queues load={queues} /></Section>
      {can("getWorkers") && <Section title={t("jobs.workers")}><Workers load={workers} done={again} /></Section>}
      {can("listSchedules") && <Section title={t("jobs.schedules")} lead={t("jobs.schedules.lead")}><Schedules /></Section>}
      {can("getWorkerPools") && <Section title={t("jobs.pools")}><Pools /></Section>}
    </>
  );
}
