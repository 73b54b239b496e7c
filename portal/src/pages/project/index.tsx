// SPDX-License-Identifier: Apache-2.0
// One project: its head, and the tabs that who looks may see.
import { useLocation, useRoute } from "preact-iso";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { ApiError, api, ask, type Schemas } from "../../api/client";
import { t, type Key } from "../../i18n";
import { useLoad } from "../../lib/load";
import { can, isAdmin, user } from "../../lib/session";
import { link, projectLink } from "../../lib/url";
import { AuditLog } from "../../parts/audit-log";
import { Labels } from "../../parts/labels";
import { Robots } from "../../parts/robots";
import { roleName } from "../../parts/role";
import { Visibility } from "../../parts/visibility";
import "../../style/parts.css";
import "../../style/projects.css";
import { Chip, Empty, Failure, Loading, Page, Tabs, Usage } from "../../ui/basic";
import { NotFound } from "../index";
import { Artifacts } from "./artifacts";
import { Configuration } from "./configuration";
import { useRightsHere, type Here } from "./context";
import { shownName } from "./delete";
import { Immutable } from "./immutable";
import { Members } from "./members";
import { Models } from "./models";
import { Summary } from "./summary";

interface Tab {
  id: string;
  needs: string;
  /** The right that one has to have here; none: whoever sees the project. */
  right?: [string, string];
  component: ComponentType<Here>;
}

const TABS: Tab[] = [
  { id: "summary", needs: "getProject", component: Summary },
  { id: "models", needs: "listModels", right: ["artifact", "list"], component: Models },
  { id: "artifacts", needs: "listRepositories", right: ["repository", "list"], component: Artifacts },
  { id: "members", needs: "listProjectMembers", right: ["member", "list"], component: Members },
  { id: "robots", needs: "ListRobot", right: ["robot", "list"],
    component: (here) => <Robots scope={here} may={here.may} /> },
  { id: "labels", needs: "ListLabels", right: ["label", "list"],
    component: (here) => <Labels scope={here} may={here.may} /> },
  { id: "immutable", needs: "ListImmuRules", right: ["immutable-tag", "list"], component: Immutable },
  { id: "logs", needs: "getLogExts", right: ["log", "list"],
    component: (here) => <><p class="text-body-secondary">{t("audit.lead")}</p><AuditLog scope={here} /></> },
  { id: "configuration", needs: "getProject", right: ["metadata", "read"], component: Configuration },
];

function Head({ project }: { project: Schemas["Project"] }) {
  const role = roleName(project.current_user_role_id);
  const hard = project.quota?.hard?.storage ?? -1;
  return (
    <div class="project-head">
      <Visibility isPublic={project.metadata?.public === "true"} />
      {role && <Chip icon="person" title={t("projects.role")}>{role}</Chip>}
      {!role && isAdmin() && <Chip icon="shield">{t("project.system")}</Chip>}
      {!role && !isAdmin() && user.value && <Chip icon="person">{t("project.outsider")}</Chip>}
      {project.quota && hard > 0 && (
        <Usage used={project.quota.used?.storage ?? 0} hard={hard} label={t("projects.storage")} />
      )}
    </div>
  );
}

function Shown({ project, tab, reload }: { project: Schemas["Project"]; tab: string; reload: () => void }) {
  const id = project.project_id ?? 0;
  const name = project.name ?? "";
  const { may, loading } = useRightsHere(id);
  // On a phone the open tab may lie beyond the edge.
  useEffect(() => {
    document.querySelector(".tabs .active")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [tab, loading]);
  if (loading) return <Loading />;
  const tabs = TABS.filter((x) => can(x.needs) && (!x.right || may(...x.right)));
  const open = tabs.find((x) => x.id === (tab || "summary"));
  const title = shownName(project);
  return (
    <Page kind="project" title={open ? `${t(`project.tab.${open.id}` as Key)} · ${title}` : title} heading={title} lead={<Head project={project} />}>
      <Tabs label={t("project.tabs")} open={open?.id ?? ""} tabs={tabs.map((x) => ({
        id: x.id, text: t(`project.tab.${x.id}` as Key), href: projectLink(name, x.id === "summary" ? "" : x.id),
      }))} />
      {open ? <open.component key={open.id} project={project} id={id} name={name} may={may} reload={reload} />
        : <Empty icon="search">{t("notFound.text")}</Empty>}
    </Page>
  );
}

export default function Project() {
  const { params } = useRoute();
  const { url } = useLocation();
  const name = params.project ?? "";
  const load = useLoad(
    (signal) => ask(api.GET("/api/v2.0/projects/{project}", {
      params: { path: { project: name } }, headers: { "X-Is-Resource-Name": "true" }, signal,
    })),
    [name, user.value?.user_id],
  );
  const error = load.error;
  if (error instanceof ApiError && [403, 404].includes(error.status)) return <NotFound />;
  if (error instanceof ApiError && error.status === 401)
    return (
      <Page title={t("nav.projects")}>
        <Empty icon="lock">
          <p>{t("error.signIn")}</p>
          <a class="btn btn-primary text-decoration-none" href={link("/sign-in", { next: url })}>{t("signIn")}</a>
        </Empty>
      </Page>
    );
  if (error !== undefined) return <Page title={name}><Failure error={error} retry={load.reload} /></Page>;
  if (!load.data) return <Loading />;
  // Whose role changes has other rights: they are asked for again.
  const key = [load.data.project_id, ...(load.data.current_user_role_ids ?? [])].join(" ");
  return <Shown key={key} project={load.data} tab={params.tab ?? ""} reload={load.reload} />;
}
