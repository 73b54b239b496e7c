// SPDX-License-Identifier: Apache-2.0
// A project at a glance: how much it holds, who is in it, what came last.
import { api, ask, askPage, type Schemas } from "../../api/client";
import { t, type Key } from "../../i18n";
import * as format from "../../lib/format";
import { useLoad } from "../../lib/load";
import { can, user } from "../../lib/session";
import { modelLink, projectLink } from "../../lib/url";
import { PushHelp } from "../../parts/push-help";
import { Bytes, Copy, Loaded, Time, Usage } from "../../ui/basic";
import type { Here } from "./context";

type ProjectSummary = Schemas["ProjectSummary"];
const NEWEST = 5;

function Storage({ quota }: { quota: NonNullable<ProjectSummary["quota"]> }) {
  const used = quota.used?.storage ?? 0;
  const hard = quota.hard?.storage ?? -1;
  if (hard <= 0) return <>{t("summary.used", { used: format.bytes(used) })}</>;
  return <Usage used={used} hard={hard} label={t("summary.storage")} />;
}

function Members({ of, name }: { of: ProjectSummary; name: string }) {
  const roles: [number, number | null | undefined][] = [
    [1, of.project_admin_count], [4, of.maintainer_count], [2, of.developer_count], [3, of.guest_count],
    [5, of.limited_guest_count],
  ];
  return (
    <section class="card">
      <h2><a href={projectLink(name, "members")}>{t("summary.members")}</a></h2>
      <dl class="facts">
        {roles.filter(([, n]) => n).flatMap(([role, n]) => [
          <dt key={role}>{t(`role.${role}` as Key)}</dt>, <dd key={-role}>{format.number(n ?? 0)}</dd>,
        ])}
      </dl>
    </section>
  );
}

function Newest({ name }: { name: string }) {
  const load = useLoad(
    (signal) => askPage(api.GET("/api/v2.0/models",
      { params: { query: { project: name, sort: "-update", page_size: NEWEST } }, signal })),
    [name, user.value?.user_id],
  );
  return (
    <section class="card">
      <h2>{t("summary.newest")}</h2>
      <Loaded of={load}>
        {(data) => data.items.length === 0 ? <span class="text-body-secondary">{t("summary.newest.none")}</span> : (
          <ul class="short-list">
            {data.items.map((m) => (
              <li key={`${m.repository}@${m.digest}`}>
                <a href={modelLink(name, (m.repository ?? "").slice(name.length + 1), { tag: m.tags?.[0] ?? "" })}>
                  {m.display_name ?? m.repository}{m.tags?.[0] ? `:${m.tags[0]}` : ""}
                </a>
                <small><Bytes n={m.size} /> · <Time at={m.update_time} /></small>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
      {!!load.data?.total && (
        <a class="mt-3" href={projectLink(name, "models")}>{t("summary.models", { n: load.data.total })}</a>
      )}
    </section>
  );
}

function Content({ of, here }: { of: ProjectSummary; here: Here }) {
  const { project, name } = here;
  return (
    <section class="card">
      <h2>{t("summary.about")}</h2>
      <dl class="facts">
        <dt>{t("summary.content")}</dt>
        <dd>{t("summary.repositories", { n: of.repo_count ?? 0 })}</dd>
        <dt>{t("project.name")}</dt>
        <dd><code>{name}</code> <Copy text={name} /></dd>
        {of.quota && <><dt>{t("summary.storage")}</dt><dd><Storage quota={of.quota} /></dd></>}
        {project.owner_name && <><dt>{t("projects.owner")}</dt><dd>{project.owner_name}</dd></>}
        <dt>{t("created")}</dt>
        <dd><Time at={project.creation_time} /></dd>
        <dt>{t("updated")}</dt>
        <dd><Time at={project.update_time} /></dd>
      </dl>
    </section>
  );
}

function Push({ here, empty }: { here: Here; empty: boolean }) {
  if (!here.may("repository", "push")) return null;
  return empty ? (
    <section class="section">
      <h2>{t("summary.push")}</h2>
      <p class="text-body-secondary">{t("push.empty")}</p>
      <PushHelp project={here.name} />
    </section>
  ) : (
    <details class="section">
      <summary class="mb-3">{t("summary.push")}</summary>
      <PushHelp project={here.name} />
    </details>
  );
}

export function Summary(here: Here) {
  const load = useLoad(
    can("getProjectSummary")
      ? (signal) => ask(api.GET("/api/v2.0/projects/{project}/summary", { params: { path: { project: String(here.id) } }, signal }))
      : null,
    [here.id, user.value?.user_id],
  );
  return (
    <Loaded of={load}>
      {(of) => (
        <>
          {!of.repo_count && <Push here={here} empty />}
          <div class="cards">
            {can("listModels") && <Newest name={here.name} />}
            <Content of={of} here={here} />
            {here.may("member", "list") && <Members of={of} name={here.name} />}
          </div>
          {!!of.repo_count && <Push here={here} empty={false} />}
        </>
      )}
    </Loaded>
  );
}
