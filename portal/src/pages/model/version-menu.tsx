// SPDX-License-Identifier: Apache-2.0
// What can be done with a version, by who may.
import { useLocation } from "preact-iso";
import { useState } from "preact/hooks";
import { t } from "../../i18n";
import { can } from "../../lib/session";
import { modelLink, projectLink } from "../../lib/url";
import { Icon } from "../../ui/icon";
import { Menu } from "../../ui/menu";
import type { Artifact, ModelAt } from "./at";
import { AddTag, CopyVersion, DeleteRepository, DeleteVersion } from "./changes";
import { LabelDialog } from "./labels";

type Dialog = "tag" | "label" | "copy" | "delete" | "repository";

/** `artifact`: a row of the list of versions; without it the version that is shown, and its repository. */
export function VersionMenu({ at, artifact: row, reload }: { at: ModelAt; artifact?: Artifact; reload: () => void }) {
  const { route } = useLocation();
  const [open, setOpen] = useState<Dialog>();
  const artifact = row ?? at.artifact;
  const { may } = at.rights;
  const choices: { id: Dialog; text: string; shown: boolean }[] = [
    { id: "tag", text: t("model.addTag"), shown: can("createTag") && may("tag", "create") },
    { id: "label", text: t("model.addLabel"), shown: can("addLabel", "ListLabels") && may("artifact-label", "create") },
    // Copies go to other projects, so that reading is enough here; the dialog looks at the rights there.
    { id: "copy", text: t("model.copyTo"), shown: can("CopyArtifact", "listProjects") && may("artifact", "read") },
    { id: "delete", text: t("model.deleteVersion"), shown: can("deleteArtifact") && may("artifact", "delete") },
    { id: "repository", text: t("model.deleteRepository"), shown: !row && can("deleteRepository") && may("repository", "delete") },
  ];
  const shown = choices.filter((c) => c.shown);
  if (shown.length === 0) return null;
  const close = () => setOpen(undefined);
  const gone = () => {
    // What is shown is no more: to the newest that is left.
    if (artifact.digest === at.reference) route(modelLink(at.project, at.repository));
    reload();
  };
  const title = t("model.rowActions", { name: artifact.tags?.[0]?.name ?? artifact.digest ?? "" });
  return (
    <>
      <Menu align="end" {...(row ? { title } : {})} label={row ? <Icon name="gear" /> : <><Icon name="gear" /> {t("actions")}</>}>
        {shown.map((c) => <button type="button" key={c.id} onClick={() => setOpen(c.id)}>{c.text}</button>)}
      </Menu>
      {open === "tag" && <AddTag names={at} artifact={artifact} onClose={close} done={reload} />}
      {open === "label" && <LabelDialog at={at} artifact={artifact} onClose={close} done={reload} />}
      {open === "copy" && <CopyVersion names={at} artifact={artifact} onClose={close} />}
      {open === "delete" && <DeleteVersion names={at} artifact={artifact} onClose={close} done={gone} />}
      {open === "repository" && (
        <DeleteRepository names={at} onClose={close} done={() => route(projectLink(at.project))} />
      )}
    </>
  );
}
