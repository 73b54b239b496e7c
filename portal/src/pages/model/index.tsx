// SPDX-License-Identifier: Apache-2.0
// The page of a model, and of every other artifact: /-/m/PROJECT/REPOSITORY?tag=…|digest=…&tab=…
import { useRoute } from "preact-iso";
import { ApiError } from "../../api/client";
import { t } from "../../i18n";
import { can, useRights } from "../../lib/session";
import { modelLink, projectLink, useQuery } from "../../lib/url";
import { Empty, Failure, Loading, Page, Tabs } from "../../ui/basic";
import type { Artifact, ModelAt } from "./at";
import { Facts } from "./facts";
import { Findings, Waiting } from "./findings";
import { Header } from "./header";
import { type Names, useArtifact, useModel, useRepository } from "./read";
import { tabs } from "./tabs";
import "../../style/model.css";

/** Keyed by its name: what was asked of one repository is not shown under the name of another. */
export default function ModelPage() {
  const { params } = useRoute();
  const names = { project: params.project ?? "", repository: params.repository ?? "" };
  return <One key={`${names.project}/${names.repository}`} names={names} />;
}

function One({ names }: { names: Names }) {
  const query = useQuery();
  const reference = query.one("digest") || query.one("tag");
  const found = useArtifact(names, reference);
  const title = `${names.project}/${names.repository}`;
  if (found.data) return <Version key={found.data.digest} names={names} artifact={found.data} reload={found.reload} />;
  if (found.error instanceof ApiError && found.error.status === 404)
    return (
      <Page title={title} lead={<a href={projectLink(names.project)}>{names.project}</a>}>
        <Empty icon="search">
          {reference ? t("model.noVersion", { reference }) : t("model.noRepository")}{" "}
          {reference && <a href={modelLink(names.project, names.repository)}>{t("model.toNewest")}</a>}
        </Empty>
      </Page>
    );
  return (
    <Page title={title}>
      {found.error !== undefined ? (
        <Failure error={found.error} retry={found.reload} />
      ) : found.data === null ? (
        <Empty>{t("model.noVersions")}</Empty>
      ) : (
        <Loading />
      )}
    </Page>
  );
}

function Version({ names, artifact, reload }: { names: Names; artifact: Artifact; reload: () => void }) {
  const digest = artifact.digest ?? "";
  const rights = useRights(artifact.project_id);
  const model = useModel(names, digest, reload);
  const repository = useRepository(names, artifact.repository_name ?? undefined);
  const at: ModelAt = {
    ...names,
    reference: digest,
    projectId: artifact.project_id ?? 0,
    artifact,
    model: model.data?.content ?? undefined,
    rights,
  };
  const changed = () => {
    reload();
    repository.reload();
  };
  return (
    <div class="page model-page">
      <Header at={at} repository={repository.data} reload={changed} />
      {model.error !== undefined && <Failure error={model.error} retry={model.reload} />}
      {model.data && <Waiting model={model.data} />}
      <Findings at={at} />
      <div class="model-columns">
        <div class="model-main"><Content at={at} known={!model.loading || model.data !== undefined} reload={changed} /></div>
        <Facts at={at} repository={repository.data} />
      </div>
    </div>
  );
}

/** The row of tabs, and the one that is open. */
function Content({ at, known, reload }: { at: ModelAt; known: boolean; reload: () => void }) {
  const query = useQuery();
  if (!known) return <Loading />;
  const shown = tabs.filter((tab) => can(...tab.needs) && (tab.shown?.(at) ?? true));
  const open = shown.find((tab) => tab.id === query.one("tab")) ?? shown[0];
  if (!open) return null;
  const href = (id: string) =>
    modelLink(at.project, at.repository, {
      tag: query.one("tag"), digest: query.one("digest"), tab: id === shown[0]?.id ? "" : id,
    });
  return (
    <>
      <Tabs label={t("model.tabs")} open={open.id}
        tabs={shown.map((tab) => ({ id: tab.id, text: t(tab.text), href: href(tab.id) }))} />
      <open.component key={open.id} at={at} reload={reload} />
    </>
  );
}
