// SPDX-License-Identifier: Apache-2.0
// Who may see a project, how much it may hold, and its end. Who may not change it reads it.
import { useLocation } from "preact-iso";
import { useState } from "preact/hooks";
import { api, ask } from "../../api/client";
import { t } from "../../i18n";
import { useAction, useLoad } from "../../lib/load";
import { can, isAdmin } from "../../lib/session";
import { link } from "../../lib/url";
import { VisibilityChoice } from "../../parts/visibility";
import { Failure, Field, Loaded, Usage } from "../../ui/basic";
import { Confirm } from "../../ui/dialog";
import { SizeInput } from "../../ui/size";
import { say } from "../../ui/toast";
import type { Here } from "./context";
import { DeleteProjects, shownName } from "./delete";

function WhoSees({ here }: { here: Here }) {
  const { project, id, may, reload } = here;
  const now = project.metadata?.public === "true";
  const [wanted, setWanted] = useState(now);
  const [asking, setAsking] = useState(false);
  const updates = can("updateProject") && may("project", "update");
  const key = wanted ? "config.toPublic" : "config.toPrivate";
  return (
    <section class="section narrow-form">
      <h2>{t("config.visibility")}</h2>
      {!updates && <p class="text-body-secondary">{t("config.readonly")}</p>}
      <VisibilityChoice quiet isPublic={wanted} onChange={setWanted} disabled={!updates} />
      {updates && (
        <button type="button" class="btn btn-primary" disabled={wanted === now} onClick={() => setAsking(true)}>{t("save")}</button>
      )}
      {asking && (
        <Confirm title={t(key)} action={t(key)} loses={t(`${key}.loses`, { name: shownName(project) })}
          work={async () => {
            await ask(api.PUT("/api/v2.0/projects/{project}", {
              params: { path: { project: String(id) } }, body: { metadata: { public: wanted ? "true" : "false" } },
            }));
            say(t("config.saved"));
            reload();
          }}
          onClose={() => setAsking(false)} />
      )}
    </section>
  );
}

function QuotaForm({ quota, hard, onSaved }: { quota: number; hard: number; onSaved: () => void }) {
  const [limit, setLimit] = useState<number | undefined>(hard);
  const { busy, error, run } = useAction();
  const submit = (e: Event) => {
    e.preventDefault();
    void run(async () => {
      await ask(api.PUT("/api/v2.0/quotas/{id}", { params: { path: { id: quota } }, body: { hard: { storage: limit ?? hard } } }));
      say(t("config.quota.saved"));
      onSaved();
    });
  };
  return (
    <form onSubmit={submit}>
      {error !== undefined && <Failure error={error} />}
      <Field label={t("projects.quota")}>{(a) => <SizeInput id={a.id} value={hard} onChange={setLimit} />}</Field>
      <button type="submit" class="btn btn-primary" disabled={busy || limit === undefined || limit === 0 || limit === hard}>
        {t("save")}
      </button>
    </form>
  );
}

/** Only administrators of the system say how much a project may hold. */
function Quota({ here }: { here: Here }) {
  const load = useLoad(
    (signal) => ask(api.GET("/api/v2.0/quotas",
      { params: { query: { reference: "project", reference_id: String(here.id) } }, signal })),
    [here.id],
  );
  const saved = () => {
    load.reload();
    here.reload();
  };
  return (
    <section class="section narrow-form">
      <h2>{t("config.quota")}</h2>
      <Loaded of={load}>
        {(found) => found.slice(0, 1).map((q) => {
          const hard = q.hard?.storage ?? -1;
          return (
            <div key={`${q.id} ${hard}`}>
              <div class="mb-3"><Usage used={q.used?.storage ?? 0} hard={hard} label={t("projects.storage")} /></div>
              <QuotaForm quota={q.id ?? 0} hard={hard} onSaved={saved} />
            </div>
          );
        })}
      </Loaded>
    </section>
  );
}

/** Properties that clients of Harbor set and that nothing here acts on. */
function Others({ here }: { here: Here }) {
  const rest = Object.entries(here.project.metadata ?? {}).filter(([name, value]) => name !== "public" && value);
  if (rest.length === 0) return null;
  return (
    <section class="section narrow-form">
      <h2>{t("config.other")}</h2>
      <p class="text-body-secondary">{t("config.other.text")}</p>
      <dl class="facts">
        {rest.flatMap(([name, value]) => [<dt key={name}><code>{name}</code></dt>, <dd key={`${name}=`}>{value}</dd>])}
      </dl>
    </section>
  );
}

export function Configuration(here: Here) {
  const { route } = useLocation();
  const [dooming, setDooming] = useState(false);
  const deletes = can("deleteProject") && here.may("project", "delete");
  return (
    <>
      <WhoSees key={here.project.metadata?.public} here={here} />
      {isAdmin() && can("listQuotas", "updateQuota") && <Quota here={here} />}
      <Others here={here} />
      {deletes && (
        <section class="danger narrow-form">
          <h2>{t("config.danger")}</h2>
          <p class="text-body-secondary">{t("config.danger.text")}</p>
          <button type="button" class="btn btn-outline-danger" onClick={() => setDooming(true)}>{t("config.danger")}</button>
        </section>
      )}
      {dooming && (
        <DeleteProjects projects={[here.project]} onGone={() => route(link("/projects"))} onClose={() => setDooming(false)} />
      )}
    </>
  );
}
