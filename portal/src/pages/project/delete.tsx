// SPDX-License-Identifier: Apache-2.0
// Deletes projects, one or several: the server is asked first which of them can be, and why not.
import { api, ask, type Schemas } from "../../api/client";
import { t } from "../../i18n";
import { useLoad } from "../../lib/load";
import { can } from "../../lib/session";
import { Failure, Loading } from "../../ui/basic";
import { Confirm } from "../../ui/dialog";
import { say } from "../../ui/toast";

type Project = Schemas["Project"];

interface Verdict {
  project: Project;
  deletable: boolean;
  why: string;
}

export function shownName(project: Project): string {
  return project.display_name || project.name || "";
}

async function verdict(project: Project, signal: AbortSignal): Promise<Verdict> {
  if (!can("getProjectDeletable")) return { project, deletable: true, why: "" };
  const said = await ask(api.GET("/api/v2.0/projects/{project}/_deletable", {
    params: { path: { project: String(project.project_id) } }, signal,
  }));
  const n = project.repo_count ?? 0;
  return {
    project, deletable: said.deletable === true,
    why: n > 0 ? t("projects.delete.holds", { n }) : said.message ?? "",
  };
}

export function DeleteProjects({ projects, onGone, onClose }: {
  projects: Project[];
  /** At least one of them is gone. */
  onGone: () => void;
  onClose: () => void;
}) {
  const asked = useLoad((signal) => Promise.all(projects.map((p) => verdict(p, signal))), []);
  const doomed = (asked.data ?? []).filter((v) => v.deletable).map((v) => v.project);
  const kept = (asked.data ?? []).filter((v) => !v.deletable);
  const work = async () => {
    let gone = 0;
    try {
      for (const project of doomed) {
        await ask(api.DELETE("/api/v2.0/projects/{project}", { params: { path: { project: String(project.project_id) } } }));
        gone++;
        say(t("projects.deleted", { name: shownName(project) }));
      }
    } finally {
      if (gone > 0) onGone(); // also those before one that failed
    }
  };
  return (
    <Confirm title={t(projects.length === 1 ? "projects.delete.one" : "projects.delete")} action={t("delete")}
      disabled={doomed.length === 0} work={work} onClose={onClose}
      loses={
        asked.error !== undefined ? <Failure error={asked.error} retry={asked.reload} />
        : !asked.data ? <Loading />
        : (
          <>
            {doomed.length > 0 && (
              <>
                <p class="mb-1">{t("projects.delete.loses", { n: doomed.length })}</p>
                <ul>{doomed.map((p) => <li key={p.project_id}><strong>{shownName(p)}</strong></li>)}</ul>
              </>
            )}
            {kept.length > 0 && (
              <>
                <p class="mb-1">{t("projects.delete.kept")}</p>
                <ul class="mb-0">
                  {kept.map((v) => <li key={v.project.project_id}><strong>{shownName(v.project)}</strong>: {v.why}</li>)}
                </ul>
              </>
            )}
          </>
        )
      } />
  );
}
