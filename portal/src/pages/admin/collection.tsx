// SPDX-License-Identifier: Apache-2.0
// Freeing what nothing needs: now, on a schedule, and what each run did.
import { useState } from "preact/hooks";
import { api, ask } from "../../api/client";
import { t } from "../../i18n";
import * as format from "../../lib/format";
import { useLoad } from "../../lib/load";
import { can } from "../../lib/session";
import { factsOf, JobHistory, useRuns, type Facts, type JobApi } from "../../parts/job-history";
import { ScheduleFields, wanted, whenOf, whenText } from "../../parts/schedule";
import { Chip, Loaded, Time } from "../../ui/basic";
import { FormDialog } from "../../ui/dialog";
import { Icon } from "../../ui/icon";
import { Section } from "../../ui/section";
import { say } from "../../ui/toast";

const jobs: JobApi = {
  list: (query, signal) => api.GET("/api/v2.0/system/gc", { params: { query }, signal }),
  stop: (id) => ask(api.PUT("/api/v2.0/system/gc/{job_id}", { params: { path: { job_id: id } } })),
  log: (id, signal) => ask(api.GET("/api/v2.0/system/gc/{job_id}/log", {
    params: { path: { job_id: id } }, signal, parseAs: "text",
  })),
};

function Untagged({ on, onChange }: { on: boolean; onChange: (on: boolean) => void }) {
  return (
    <>
      <label class="form-check">
        <input class="form-check-input" type="checkbox" checked={on} onChange={(e) => onChange(e.currentTarget.checked)} />
        <span class="form-check-label">{t("gc.untagged")}</span>
      </label>
      {on && <div class="alert alert-warning mt-2 mb-0">{t("gc.untagged.warning")}</div>}
    </>
  );
}

function RunNow({ onClose, done }: { onClose: () => void; done: () => void }) {
  const [dry, setDry] = useState(false);
  const [untagged, setUntagged] = useState(false);
  const submit = async () => {
    await ask(api.POST("/api/v2.0/system/gc/schedule", {
      body: { schedule: { type: "Manual" }, parameters: { dry_run: dry, delete_untagged: untagged } },
    }));
    say(t(dry ? "gc.asked.dry" : "gc.asked"));
    done();
  };
  return (
    <FormDialog title={t("gc.run")} action={t(dry ? "gc.run.dry" : "gc.run")} danger={!dry && untagged} submit={submit} onClose={onClose}>
      <p>{t("gc.run.text")}</p>
      <label class="form-check mb-3">
        <input class="form-check-input" type="checkbox" checked={dry} onChange={(e) => setDry(e.currentTarget.checked)} />
        <span class="form-check-label">{t("gc.dry")}<br /><span class="form-text">{t("gc.dry.text")}</span></span>
      </label>
      <Untagged on={untagged} onChange={setUntagged} />
    </FormDialog>
  );
}

function useSchedule() {
  return useLoad((signal) => ask(api.GET("/api/v2.0/system/gc/schedule", { signal })), []);
}

function EditSchedule({ there, onClose, done }: { there: ReturnType<typeof useSchedule>["data"]; onClose: () => void; done: () => void }) {
  const [when, setWhen] = useState(whenOf(there?.schedule));
  const [untagged, setUntagged] = useState(factsOf(there ?? {}).delete_untagged === true);
  const submit = async () => {
    await ask(api.PUT("/api/v2.0/system/gc/schedule", {
      body: { schedule: wanted(when), parameters: { dry_run: false, delete_untagged: untagged } },
    }));
    say(t("saved"));
    done();
  };
  return (
    <FormDialog title={t("gc.schedule")} action={t("save")} submit={submit} onClose={onClose} fields={["schedule", "cron"]}>
      {(error) => (
        <>
          <ScheduleFields value={when} onChange={setWhen} error={error} />
          {when.type !== "None" && <Untagged on={untagged} onChange={setUntagged} />}
        </>
      )}
    </FormDialog>
  );
}

function Schedule() {
  const load = useSchedule();
  const [open, setOpen] = useState(false);
  return (
    <Loaded of={load}>
      {(s) => (
        <div class="card card-body line">
          <Icon name="clock" />
          <span class="flex-grow-1">
            <strong>{whenText(whenOf(s.schedule))}</strong>
            {s.schedule?.next_scheduled_time && <> · {t("schedule.next")} <Time at={s.schedule.next_scheduled_time} /></>}
            {factsOf(s).delete_untagged === true && <> · {t("gc.untagged")}</>}
          </span>
          {can("updateGCSchedule") && (
            <button type="button" class="btn btn-sm btn-outline-secondary" onClick={() => setOpen(true)}>{t("schedule.edit")}</button>
          )}
          {open && <EditSchedule there={s} onClose={() => setOpen(false)} done={load.reload} />}
        </div>
      )}
    </Loaded>
  );
}

function result(f: Facts) {
  if (f.freed_space === undefined) return "–";
  const said = {
    size: format.bytes(Number(f.freed_space)), blobs: Number(f.purged_blobs ?? 0), artifacts: Number(f.purged_manifests ?? 0),
  };
  return t(f.dry_run === true ? "gc.would" : "gc.freed", said);
}

export default function Collection() {
  const load = useRuns(jobs);
  const [open, setOpen] = useState(false);
  return (
    <>
      <Section title={t("gc.schedule")} actions={can("createGCSchedule") && (
        <button type="button" class="btn btn-primary" onClick={() => setOpen(true)}><Icon name="play" /> {t("gc.run")}</button>
      )}>
        <Schedule />
      </Section>
      <Section title={t("jobs.history")}>
        <JobHistory jobs={jobs} load={load} mayStop={can("stopGC")} result={result} what={(f) => (
          <>
            {f.dry_run === true && <Chip>{t("gc.dry.short")}</Chip>}
            {f.delete_untagged === true && <Chip icon="tag">{t("gc.untagged.short")}</Chip>}
            {f.dry_run !== true && f.delete_untagged !== true && <span class="text-body-secondary">{t("gc.usual")}</span>}
          </>
        )} />
      </Section>
      {open && <RunNow onClose={() => setOpen(false)} done={load.reload} />}
    </>
  );
}
