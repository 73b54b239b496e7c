// SPDX-License-Identifier: Apache-2.0
// Repositories that hold no models: images, charts, files.
import { useState } from "preact/hooks";
import { api, ask, askPage, type Schemas } from "../../api/client";
import { t } from "../../i18n";
import { useLoad } from "../../lib/load";
import { can, user } from "../../lib/session";
import { modelLink, useQuery } from "../../lib/url";
import { conditions, paging } from "../../parts/scope";
import { Chip, Count, Field, Time } from "../../ui/basic";
import { FormDialog } from "../../ui/dialog";
import { RowButton } from "../../ui/row-button";
import { Filter, Pager, Table } from "../../ui/table";
import { say } from "../../ui/toast";
import type { Here } from "./context";
import { DeleteRepository } from "./delete-repository";

type Repository = Schemas["Repository"];

function Describe({ project, repository, onSaved, onClose }: {
  project: string;
  repository: Repository;
  onSaved: () => void;
  onClose: () => void;
}) {
  const full = repository.name ?? "";
  const [display, setDisplay] = useState(repository.display_name ?? full);
  const [description, setDescription] = useState(repository.description ?? "");
  const submit = async () => {
    await ask(api.PUT("/api/v2.0/projects/{project_name}/repositories/{repository_name}", {
      params: { path: { project_name: project, repository_name: full.slice(project.length + 1) } },
      body: { description, display_name: display.trim() },
    }));
    say(t("repos.described", { name: display.trim() }));
    onSaved();
  };
  return (
    <FormDialog wide title={`${t("repos.describe")}: ${full}`} action={t("save")} submit={submit} onClose={onClose}
      disabled={display.trim() === ""}>
      <Field label={t("repos.display")} hint={t("repos.display.hint", { name: full })}>
        {(a) => <input {...a} class="form-control" value={display} autocomplete="off" spellcheck={false}
          onInput={(e) => setDisplay(e.currentTarget.value)} />}
      </Field>
      <Field label={t("description")} hint={t("repos.description.hint")}>
        {(a) => <textarea {...a} class="form-control" rows={8} value={description}
          onInput={(e) => setDescription(e.currentTarget.value)} />}
      </Field>
    </FormDialog>
  );
}

/** The first line that says something. */
function firstLine(text: string): string {
  return text.split("\n").map((line) => line.replace(/^#+\s*/, "").trim()).find((line) => line !== "") ?? "";
}

export function Artifacts({ name, may }: Here) {
  const query = useQuery();
  const [described, setDescribed] = useState<Repository>();
  const [doomed, setDoomed] = useState<Repository>();
  const q = query.one("q");
  const load = useLoad(
    (signal) => askPage(api.GET("/api/v2.0/projects/{project_name}/repositories", {
      params: {
        path: { project_name: name },
        query: { ...conditions({ model: "false", display_name: `~${q}` }), ...paging(query, "-update_time") },
      },
      signal,
    })),
    [name, query.text, user.value?.user_id],
  );
  const updates = can("updateRepository") && may("repository", "update");
  const deletes = can("deleteRepository") && may("repository", "delete");
  const shown = (x: Repository) => (x.display_name ?? x.name ?? "").slice(name.length + 1);
  return (
    <>
      <p class="text-body-secondary">{t("repos.lead")}</p>
      <div class="toolbar"><Filter placeholder={t("repos.filter")} /></div>
      <Table<Repository> load={load} caption={t("project.tab.artifacts")} empty={t(q ? "repos.noneFound" : "repos.none")}
        rowKey={(x) => x.id ?? 0}
        columns={[
          { title: t("repos.repository"), sort: "name", cell: (x) => (
            <>
              <a class="repository-name" href={modelLink(name, (x.name ?? "").slice(name.length + 1))}>{shown(x)}</a>
              {x.description && <small class="d-block text-body-secondary">{firstLine(x.description)}</small>}
            </>
          ) },
          { title: t("repos.type"), sort: "type", cell: (x) => x.type && <Chip icon="box">{x.type}</Chip> },
          { title: t("repos.artifacts"), end: true, cell: (x) => <Count n={x.artifact_count} /> },
          { title: t("pulls"), sort: "pull_count", end: true, minor: true, cell: (x) => <Count n={x.pull_count} /> },
          { title: t("updated"), sort: "update_time", cell: (x) => <Time at={x.update_time} /> },
        ]}
        {...(updates || deletes ? {
          actions: (x: Repository) => (
            <>
              {updates && <RowButton icon="pencil" label={t("repos.describe.of", { name: shown(x) })} onClick={() => setDescribed(x)} />}
              {deletes && <RowButton icon="trash" danger label={t("repos.delete.of", { name: shown(x) })} onClick={() => setDoomed(x)} />}
            </>
          ),
        } : {})} />
      {load.data && <Pager total={load.data.total} />}
      {described && (
        <Describe project={name} repository={described} onSaved={load.reload} onClose={() => setDescribed(undefined)} />
      )}
      {doomed && (
        <DeleteRepository project={name} repository={doomed} onGone={load.reload} onClose={() => setDoomed(undefined)} />
      )}
    </>
  );
}
