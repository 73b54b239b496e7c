// SPDX-License-Identifier: Apache-2.0
// Old entries of the audit log go: now, or on a schedule.
import { useState } from "preact/hooks";
import { api, ask } from "../../api/client";
import { t } from "../../i18n";
import { useLoad } from "../../lib/load";
import { can } from "../../lib/session";
import { factsOf, JobHistory, useRuns, type Facts, type JobApi } from "../../parts/job-history";
import { ScheduleFields, wanted, whenOf, whenText } from "../../parts/schedule";
import { Chip, Loaded, Time } from "../../ui/basic";
import { FormDialog } from "../../ui/dialog";
import { CheckedField } from "../../ui/field-errors";
import { Icon } from "../../ui/icon";
import { Section } from "../../ui/section";
import { say } from "../../ui/toast";

const jobs: JobApi = {
  list: (query, signal) => api.GET("/api/v2.0/system/purgeaudit", { params: { query }, signal }),
  stop: (id) => ask(api.PUT("/api/v2.0/system/purgeaudit/{job_id}", { params: { path: { job_id: id } } })),
  log: (id, signal) => ask(api.GET("/api/v2.0/system/purgeaudit/{job_id}/log", {
    params: { path: { job_id: id } }, signal, parseAs: "text",
  })),
};

interface What {
  hours: number;
  kinds: Set<string>;
}

function useKinds() {
  return useLoad(async (signal) => {
    const list = await ask(api.GET("/api/v2.0/auditlog-exts/events", { signal }));
    return list.map((x) => x.event_type ?? "").filter(Boolean);
  }, []);
}

const UNITS: [number, "hour" | "day"][] = [[24, "day"], [1, "hour"]];

function WhatFields({ all, value, onChange, error }: {
  all: string[];
  value: What;
  onChange: (next: What) => void;
  error: unknown;
}) {
  const [unit, setUnit] = useState(value.hours % 24 === 0 ? 24 : 1);
  return (
    <>
      <CheckedField name="audit_retention_hour" label={t("purge.keep")} hint={t("purge.keep.hint")} error={error}>
        {(a) => (
          <div class="input-group">
            <input {...a} class={`form-control ${a.class}`} type="number" min="1" step="1" required value={value.hours / unit}
              onInput={(e) => onChange({ ...value, hours: Math.round(Number(e.currentTarget.value) * unit) })} />
            <select class="form-select" aria-label={t("purge.unit")} value={String(unit)} onChange={(e) => {
              const next = Number(e.currentTarget.value);
              onChange({ ...value, hours: Math.max(1, Math.round(value.hours / unit)) * next });
              setUnit(next);
            }}>
              {UNITS.map(([hours, name]) => <option key={name} value={String(hours)}>{t(`unit.${name}`)}</option>)}
            </select>
          </div>
        )}
      </CheckedField>
      <fieldset class="mb-3">
        <legend class="form-label fs-6">{t("purge.kinds")}</legend>
        <div class="checks">
          {all.map((kind) => (
            <label class="form-check" key={kind}>
              <input class="form-check-input" type="checkbox" checked={value.kinds.has(kind)} onChange={() => {
                const kinds = new Set(value.kinds);
                if (!kinds.delete(kind)) kinds.add(kind);
                onChange({ ...value, kinds });
              }} />
              <span class="form-check-label">{kind}</span>
            </label>
          ))}
        </div>
      </fieldset>
    </>
  );
}

const parameters = (what: What, dry: boolean) => ({
  audit_retention_hour: what.hours, include_event_types: [...what.kinds].join(","), dry_run: dry,
});

function whatOf(facts: Facts, all: string[]): What {
  const kinds = typeof facts.include_event_types === "string" && facts.include_event_types
    ? facts.include_event_types.split(",").map((x) => x.trim()) : all;
  return { hours: Number(facts.audit_retention_hour ?? 0) || 24 * 90, kinds: new Set(kinds) };
}

function RunNow({ all, onClose, done }: { all: string[]; onClose: () => void; done: () => void }) {
  const [what, setWhat] = useState(whatOf({}, all));
  const [dry, setDry] = useState(false);
  const submit = async () => {
    await ask(api.POST("/api/v2.0/system/purgeaudit/schedule", {
      body: { schedule: { type: "Manual" }, parameters: parameters(what, dry) },
    }));
    say(t("purge.asked"));
    done();
  };
  return (
    <FormDialog title={t("purge.run")} action={t(dry ? "purge.count" : "purge.run")} danger={!dry} submit={submit} onClose={onClose} wide
      fields={["audit_retention_hour"]} disabled={what.kinds.size === 0}>
      {(error) => (
        <>
          <WhatFields all={all} value={what} onChange={setWhat} error={error} />
          <label class="form-check">
            <input class="form-check-input" type="checkbox" checked={dry} onChange={(e) => setDry(e.currentTarget.checked)} />
            <span class="form-check-label">{t("purge.dry")}</span>
          </label>
          {!dry && <div class="alert alert-warning mt-2 mb-0">{t("purge.warning")}</div>}
        </>
      )}
    </FormDialog>
  );
}

function useSchedule() {
  return useLoad((signal) => ask(api.GET("/api/v2.0/system/purgeaudit/schedule", { signal })), []);
}

function EditSchedule({ all, there, onClose, done }: {
  all: string[];
  there: ReturnType<typeof useSchedule>["data"];
  onClose: () => void;
  done: () => void;
}) {
  const [when, setWhen] = useState(whenOf(there?.schedule));
  const [what, setWhat] = useState(whatOf(factsOf(there ?? {}), all));
  const submit = async () => {
    await ask(api.PUT("/api/v2.0/system/purgeaudit/schedule", {
      body: { schedule: wanted(when), parameters: parameters(what, false) },
    }));
    say(t("saved"));
    done();
  };
  return (
    <FormDialog title={t("purge.schedule")} action={t("save")} submit={submit} onClose={onClose} wide
      fields={["schedule", "cron", "audit_retention_hour"]} disabled={when.type !== "None" && what.kinds.size === 0}>
      {(error) => (
        <>
          <ScheduleFields value={when} onChange={setWhen} error={error} />
          {when.type !== "None" && <WhatFields all={all} value={what} onChange={setWhat} error={error} />}
        </>
      )}
    </FormDialog>
  );
}

/** "older than 90 days" */
function olderThan(f: Facts): string {
  const hours = Number(f.audit_retention_hour ?? 0);
  return hours % 24 === 0 ? t("purge.days", { n: hours / 24 }) : t("purge.hours", { n: hours });
}

export default function Purge() {
  const load = useRuns(jobs);
  const schedule = useSchedule();
  const kinds = useKinds();
  const [open, setOpen] = useState<"run" | "schedule">();
  const close = () => setOpen(undefined);
  return (
    <>
      <Section title={t("purge.schedule")} lead={t("purge.lead")} actions={can("createPurgeSchedule") && (
        <button type="button" class="btn btn-outline-danger" disabled={!kinds.data} onClick={() => setOpen("run")}>{t("purge.run")}</button>
      )}>
        <Loaded of={schedule}>
          {(s) => (
            <div class="card card-body line">
              <Icon name="clock" />
              <span class="flex-grow-1">
                <strong>{whenText(whenOf(s.schedule))}</strong>
                {s.schedule?.type && <> · {olderThan(factsOf(s))}</>}
                {s.schedule?.next_scheduled_time && <> · {t("schedule.next")} <Time at={s.schedule.next_scheduled_time} /></>}
              </span>
              {can("updatePurgeSchedule") && (
                <button type="button" class="btn btn-sm btn-outline-secondary" disabled={!kinds.data} onClick={() => setOpen("schedule")}>
                  {t("schedule.edit")}
                </button>
              )}
            </div>
          )}
        </Loaded>
      </Section>
      <Section title={t("jobs.history")}>
        <JobHistory jobs={jobs} load={load} mayStop={can("stopPurge")}
          what={(f) => (
            <>
              <Chip title={String(f.include_event_types ?? "")}>{olderThan(f)}</Chip>
              {f.dry_run === true && <Chip>{t("gc.dry.short")}</Chip>}
            </>
          )}
          result={(f) => f.purged_records === undefined ? "–"
            : t(f.dry_run === true ? "purge.would" : "purge.done", { n: Number(f.purged_records) })} />
      </Section>
      {open === "run" && kinds.data && <RunNow all={kinds.data} onClose={close} done={load.reload} />}
      {open === "schedule" && kinds.data && (
        <EditSchedule all={kinds.data} there={schedule.data} onClose={close} done={schedule.reload} />
      )}
    </>
  );
}
