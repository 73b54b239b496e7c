// SPDX-License-Identifier: Apache-2.0
// How much each project holds and may hold, and what new ones may.
import { useState } from "preact/hooks";
import { api, ask, askPage, type Page, type Schemas } from "../../api/client";
import { t } from "../../i18n";
import * as format from "../../lib/format";
import { useLoad } from "../../lib/load";
import { can } from "../../lib/session";
import { pageOf, projectLink, useQuery } from "../../lib/url";
import { Bytes, Field, Loaded, Usage } from "../../ui/basic";
import { FormDialog } from "../../ui/dialog";
import { RowButton } from "../../ui/row-button";
import { SizeInput } from "../../ui/size";
import { Filter, Pager, PAGE_SIZE, Table } from "../../ui/table";
import { say } from "../../ui/toast";

type Quota = Schemas["Quota"];
/** A condition names the projects that were found by their words; a page of them is what is asked for at once. */
const FOUND_MAX = 100;

const usedOf = (q: Quota) => q.used?.storage ?? 0;
const hardOf = (q: Quota) => q.hard?.storage ?? -1;
const limit = (bytes: number) => (bytes < 0 ? t("size.none") : format.bytes(bytes));

function Edit({ quota, onClose, done }: { quota: Quota; onClose: () => void; done: () => void }) {
  const [hard, setHard] = useState<number | undefined>(hardOf(quota));
  const used = usedOf(quota);
  const name = quota.ref?.name ?? "";
  const submit = async () => {
    await ask(api.PUT("/api/v2.0/quotas/{id}", {
      params: { path: { id: quota.id ?? 0 } }, body: { hard: { storage: hard ?? -1 } },
    }));
    say(t("quotas.saved", { name, limit: limit(hard ?? -1) }));
    done();
  };
  return (
    <FormDialog title={t("quotas.edit.of", { name })} action={t("save")} submit={submit} onClose={onClose}
      disabled={hard === undefined}>
      <p>{t("quotas.holds", { used: format.bytes(used) })}</p>
      <Field label={t("quotas.hard")}>
        {(a) => <SizeInput id={a.id} value={hardOf(quota)} onChange={setHard} />}
      </Field>
      {hard !== undefined && hard >= 0 && hard < used && <div class="alert alert-warning">{t("quotas.less")}</div>}
    </FormDialog>
  );
}

function Default({ value, counts, onClose, done }: {
  value: number;
  counts: boolean;
  onClose: () => void;
  done: () => void;
}) {
  const [hard, setHard] = useState<number | undefined>(value);
  const [on, setOn] = useState(counts);
  const submit = async () => {
    await ask(api.PUT("/api/v2.0/configurations", {
      body: { storage_per_project: hard ?? -1, quota_per_project_enable: on },
    }));
    say(t("saved"));
    done();
  };
  return (
    <FormDialog title={t("quotas.default")} action={t("save")} submit={submit} onClose={onClose} disabled={hard === undefined}>
      <Field label={t("quotas.default.label")} hint={t("quotas.default.hint")}>
        {(a) => <SizeInput id={a.id} value={value} onChange={setHard} describedBy={a["aria-describedby"]} />}
      </Field>
      <label class="form-check form-switch">
        <input class="form-check-input" type="checkbox" role="switch" checked={on} onChange={(e) => setOn(e.currentTarget.checked)} />
        <span class="form-check-label">{t("quotas.counts")}</span>
      </label>
      {!on && <div class="alert alert-warning mt-2">{t("quotas.off")}</div>}
    </FormDialog>
  );
}

function DefaultLine() {
  const [open, setOpen] = useState(false);
  const load = useLoad((signal) => ask(api.GET("/api/v2.0/configurations", { signal })), []);
  return (
    <Loaded of={load}>
      {(c) => {
        const value = c.storage_per_project?.value ?? -1;
        const counts = c.quota_per_project_enable?.value !== false;
        return (
          <div class="card card-body line">
            <span class="flex-grow-1">
              {t("quotas.default.is")} <strong>{limit(value)}</strong>
              {!counts && <span class="text-warning-emphasis"> · {t("quotas.off")}</span>}
            </span>
            {can("updateConfigurations") && (
              <button type="button" class="btn btn-sm btn-outline-secondary" onClick={() => setOpen(true)}>{t("edit")}</button>
            )}
            {open && <Default value={value} counts={counts} onClose={() => setOpen(false)} done={load.reload} />}
          </div>
        );
      }}
    </Loaded>
  );
}

export default function Quotas() {
  const query = useQuery();
  const page = pageOf(query);
  const words = query.one("q");
  const sort = query.one("sort") || "-used.storage";
  const [chosen, setChosen] = useState<Quota>();
  const load = useLoad(async (signal): Promise<Page<Quota> & { more: boolean }> => {
    let q: { q?: string } = {};
    let more = false;
    if (words) {
      const found = await askPage(api.GET("/api/v2.0/projects", {
        params: { query: { name: words, page: 1, page_size: FOUND_MAX } }, signal,
      }));
      if (found.items.length === 0) return { items: [], total: 0, more };
      more = found.total > found.items.length;
      q = { q: `reference_id={${found.items.map((p) => p.project_id ?? 0).join(" ")}}` };
    }
    const list = await askPage(api.GET("/api/v2.0/quotas", {
      params: { query: { page, page_size: PAGE_SIZE, sort, ...q } }, signal,
    }));
    return { ...list, more };
  }, [query.text]);
  return (
    <>
      <DefaultLine />
      <div class="toolbar"><Filter placeholder={t("quotas.search")} /></div>
      {load.data?.more && <div class="alert alert-info" role="status">{t("quotas.many", { n: FOUND_MAX })}</div>}
      <Table<Quota> load={load} caption={t("admin.quotas")} empty={t(words ? "quotas.none" : "quotas.empty")} rowKey={(q) => q.id ?? 0}
        columns={[
          { title: t("project"), cell: (q) => <a href={projectLink(q.ref?.name ?? "")}><strong>{q.ref?.name}</strong></a> },
          { title: t("quotas.owner"), minor: true, cell: (q) => q.ref?.owner_name },
          { title: t("quotas.used"), sort: "used.storage", cell: (q) => (
            <Usage used={usedOf(q)} hard={hardOf(q)} label={t("quotas.used.of", { name: q.ref?.name ?? "" })} />
          ) },
          { title: t("quotas.hard"), sort: "hard.storage", end: true, minor: true, cell: (q) => (
            hardOf(q) < 0 ? <span class="text-body-secondary">{t("size.none")}</span> : <Bytes n={hardOf(q)} />
          ) },
        ]}
        {...(can("updateQuota") ? {
          actions: (q: Quota) => <RowButton icon="pencil" label={t("quotas.edit.of", { name: q.ref?.name ?? "" })} onClick={() => setChosen(q)} />,
        } : {})} />
      {load.data && <Pager total={load.data.total} />}
      {chosen && <Edit quota={chosen} onClose={() => setChosen(undefined)} done={load.reload} />}
    </>
  );
}
