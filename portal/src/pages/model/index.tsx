// SPDX-License-Identifier: Apache-2.0
// TO BE DROPPED WHEN MERGED: the page around the tabs is that of branch pmodel.
import { lazy, useRoute } from "preact-iso";
import { api, ask } from "../../api/client";
import { t } from "../../i18n";
import { useLoad } from "../../lib/load";
import { useRights } from "../../lib/session";
import { modelLink, useQuery } from "../../lib/url";
import { Loaded, Loading, Page, Tabs } from "../../ui/basic";
import type { Artifact } from "./at";

const TABS = { tensors: lazy(() => import("./tensors")), lineage: lazy(() => import("./lineage")), activity: lazy(() => import("./activity")) };

function Inside({ project, repository, artifact }: { project: string; repository: string; artifact: Artifact }) {
  const query = useQuery();
  const rights = useRights(artifact.project_id);
  const reference = artifact.digest ?? "";
  const path = { project_name: project, repository_name: repository, reference };
  const model = useLoad((signal) => ask(api.GET(
    "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/model", { params: { path }, signal })), [reference]);
  const open = query.one("tab") as keyof typeof TABS;
  const Tab = TABS[open] ?? TABS.tensors;
  const tabs = [["tensors", t("tensors.title")], ["lineage", "Lineage"], ["activity", "Activity"]] as const;
  if (!model.data) return <Loading />;
  return (
    <>
      <Tabs label="Parts" open={open} tabs={tabs.map(([id, text]) => ({
        id, text, href: modelLink(project, repository, { tag: query.one("tag"), digest: query.one("digest"), tab: id }) }))} />
      <Tab at={{ project, repository, reference, projectId: artifact.project_id ?? 0, artifact, model: model.data.content ?? undefined, rights }} />
    </>
  );
}

export default function ModelPage() {
  const { params } = useRoute();
  const [project, repository] = [params.project ?? "", params.repository ?? ""];
  return <One key={`${project}/${repository}`} project={project} repository={repository} />;
}

function One({ project, repository }: { project: string; repository: string }) {
  const query = useQuery();
  const reference = query.one("digest") || query.one("tag");
  const artifact = useLoad((signal) => ask(api.GET(
    "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}",
    { params: { path: { project_name: project, repository_name: repository, reference } }, signal })), [project, repository, reference]);
  return (
    <Page title={`${project}/${repository}`}>
      <Loaded of={artifact}>{(a) => <Inside key={a.digest} project={project} repository={repository} artifact={a} />}</Loaded>
    </Page>
  );
}
