// SPDX-License-Identifier: Apache-2.0
// The projects that one may see, and what one may do with them together.
import { useLocation } from "preact-iso";
import { useEffect, useState } from "preact/hooks";
import { api, askPage, type Schemas } from "../api/client";
import { t } from "../i18n";
import { useLoad } from "../lib/load";
import { can, info, isAdmin, user } from "../lib/session";
import { projectLink, useQuery } from "../lib/url";
import { registryHost } from "../parts/host";
import { PROJECT_ADMIN, roleName } from "../parts/role";
import { conditions, paging } from "../parts/scope";
import { Visibility } from "../parts/visibility";
import "../style/parts.css";
import "../style/projects.css";
import { Count, Page, Time, Usage } from "../ui/basic";
import { Icon } from "../ui/icon";
import { RowButton } from "../ui/row-button";
import { Filter, Pager, Table, type Column } from "../ui/table";
import { CreateProject } from "./project/create";
import { DeleteProjects, shownName } from "./project/delete";

type Project = Schemas["Project"];
type Query = ReturnType<typeof useQuery>;

function mayDelete(project: Project): boolean {
  return can("deleteProject") && (isAdmin() || (project.current_user_role_ids ?? []).includes(PROJECT_ADMIN));
}

function mayCreate(): boolean {
  return can("createProject") && !!user.value && (isAdmin() || info.value.project_creation_restriction !== "adminonly");
}

function Toolbar({ query }: { query: Query }) {
  const owner = query.one("owner");
  const me = user.value?.username ?? "";
  return (
    <div class="toolbar">
      <Filter placeholder={t("projects.filter")} />
      <select class="form-select" aria-label={t("projects.visibility")} value={query.one("public")}
        onChange={(e) => query.set({ public: e.currentTarget.value, page: "" })}>
        <option value="">{t("projects.visibility")}: {t("projects.any")}</option>
        <option value="true">{t("projects.public")}</option>
        <option value="false">{t("projects.private")}</option>
      </select>
      <input class="form-control owner" type="search" key={owner} defaultValue={owner} placeholder={t("projects.owner")}
        aria-label={t("projects.owner.filter")} onChange={(e) => query.set({ owner: e.currentTarget.value.trim(), page: "" })} />
      {me && (
        <div class="form-check">
          <label class="form-check-label">
            <input type="checkbox" class="form-check-input" checked={owner === me}
              onChange={(e) => query.set({ owner: e.currentTarget.checked ? me : "", page: "" })} />
            {t("projects.mine")}
          </label>
        </div>
      )}
    </div>
  );
}

function Storage({ of }: { of: Project }) {
  if (!of.quota) return null;
  return <Usage used={of.quota.used?.storage ?? 0} hard={of.quota.hard?.storage ?? -1} label={t("projects.storage")} />;
}

const COLUMNS = (): Column<Project>[] => [
  { title: t("name"), sort: "name", cell: (p) => (
    <a class="project-name" href={projectLink(p.name ?? "")}><Icon name="folder" /> {shownName(p)}</a>
  ) },
  { title: t("projects.visibility"), sort: "public", cell: (p) => <Visibility isPublic={p.metadata?.public === "true"} /> },
  ...(user.value ? [{ title: t("projects.role"), cell: (p: Project) => roleName(p.current_user_role_id) }] : []),
  { title: t("projects.repositories"), end: true, cell: (p) => <Count n={p.repo_count} /> },
  ...(user.value ? [{ title: t("projects.storage"), cell: (p: Project) => <Storage of={p} /> }] : []),
  { title: t("projects.owner"), sort: "owner_name", minor: true, cell: (p) => p.owner_name },
  { title: t("created"), sort: "creation_time", minor: true, cell: (p) => <Time at={p.creation_time} /> },
];

export default function Projects() {
  const query = useQuery();
  const { route } = useLocation();
  const [creating, setCreating] = useState(false);
  const [chosen, setChosen] = useState<ReadonlyMap<number, Project>>(new Map());
  const [doomed, setDoomed] = useState<Project[]>();
  const load = useLoad(
    (signal) => {
      const q = conditions({
        name: `~${query.one("q")}`, public: query.one("public"),
        owner_name: query.one("owner") === user.value?.username ? query.one("owner") : `~${query.one("owner")}`,
      });
      return askPage(api.GET("/api/v2.0/projects", { params: { query: { ...q, ...paging(query) } }, signal }));
    },
    [query.text, user.value?.user_id],
  );
  useEffect(() => setChosen(new Map()), [load.data]);
  const choose = (project: Project, on: boolean) => {
    const next = new Map(chosen);
    if (on) next.set(project.project_id ?? 0, project);
    else next.delete(project.project_id ?? 0);
    setChosen(next);
  };
  const narrowed = ["q", "public", "owner"].some((name) => query.one(name) !== "");
  const deletes = (load.data?.items ?? []).some(mayDelete);
  const select: Column<Project> = { title: t("projects.select"), quiet: true, cell: (p) => mayDelete(p) && (
    <input type="checkbox" class="form-check-input" aria-label={t("projects.select.one", { name: shownName(p) })}
      checked={chosen.has(p.project_id ?? 0)} onChange={(e) => choose(p, e.currentTarget.checked)} />
  ) };
  return (
    <Page kind="project" title={t("nav.projects")} lead={t("projects.lead")} actions={mayCreate() && (
      <button type="button" class="btn btn-primary" onClick={() => setCreating(true)}>
        <Icon name="plus" /> {t("projects.create")}
      </button>
    )}>
      <Toolbar query={query} />
      {chosen.size > 0 && (
        <div class="toolbar" role="status">
          <strong>{t("projects.selected", { n: chosen.size })}</strong>
          <button type="button" class="btn btn-sm btn-outline-danger" onClick={() => setDoomed([...chosen.values()])}>
            <Icon name="trash" /> {t("delete")}
          </button>
        </div>
      )}
      <Table<Project> load={load} caption={t("nav.projects")} rowKey={(p) => p.project_id ?? 0}
        empty={t(narrowed ? "projects.noneFound" : "projects.none")}
        columns={deletes ? [select, ...COLUMNS()] : COLUMNS()}
        {...(deletes ? {
          actions: (p: Project) => mayDelete(p) && (
            <RowButton icon="trash" danger label={t("projects.delete.of", { name: shownName(p) })} onClick={() => setDoomed([p])} />
          ),
        } : {})} />
      {load.data && <Pager total={load.data.total} />}
      {creating && (
        <CreateProject host={registryHost()} onMade={(name) => route(projectLink(name))} onClose={() => setCreating(false)} />
      )}
      {doomed && <DeleteProjects projects={doomed} onGone={load.reload} onClose={() => setDoomed(undefined)} />}
    </Page>
  );
}
