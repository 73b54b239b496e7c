// SPDX-License-Identifier: Apache-2.0
// What stands above the tabs: which model and which version, what it is, in words that lead to others of its kind.
import { useEffect, useState } from "preact/hooks";
import { api, ask, type Schemas } from "../../api/client";
import { t } from "../../i18n";
import { useLoad } from "../../lib/load";
import { can } from "../../lib/session";
import { BASE, projectLink } from "../../lib/url";
import { Chip, Digest, Field } from "../../ui/basic";
import { FormDialog } from "../../ui/dialog";
import { Icon } from "../../ui/icon";
import { Markdown } from "../../ui/markdown";
import { say } from "../../ui/toast";
import type { ModelAt } from "./at";
import { Chips } from "./chips";
import { Labels } from "./labels";
import { pathOf } from "./read";
import { TagChooser } from "./tag-chooser";
import { UseModel } from "./use";
import { VersionMenu } from "./version-menu";

type Repository = Schemas["Repository"];

/** What a person called it; the names in the address where nobody did. */
function displayName(at: ModelAt, repository: Repository | undefined): string {
  return repository?.display_name || `${at.project}/${at.repository}`;
}

function Picture({ digest }: { digest: string }) {
  const icon = useLoad(
    can("getIcon")
      ? (signal) => ask(api.GET("/api/v2.0/icons/{digest}", { params: { path: { digest } }, signal }))
      : null,
    [digest],
  );
  const type = icon.data?.["content-type"];
  if (!icon.data?.content || !type) return null;
  return <img class="model-icon" src={`data:${type};base64,${icon.data.content}`} alt="" width={48} height={48} />;
}

function DescribeDialog({ at, repository, onClose, done }: {
  at: ModelAt;
  repository: Repository;
  onClose: () => void;
  done: () => void;
}) {
  const [text, setText] = useState(repository.description ?? "");
  const [name, setName] = useState(displayName(at, repository));
  const submit = async () => {
    const body = { description: text, ...(name !== displayName(at, repository) ? { display_name: name } : {}) };
    await ask(api.PUT("/api/v2.0/projects/{project_name}/repositories/{repository_name}", {
      params: { path: pathOf(at) },
      body,
    }));
    say(t("model.described"));
    done();
  };
  return (
    <FormDialog wide title={t("model.describe")} action={t("save")} submit={submit} onClose={onClose}>
      <Field label={t("description")} hint={t("model.descriptionHint")}>
        {(a) => (
          <textarea {...a} class="form-control" rows={8} value={text} autofocus
            onInput={(e) => setText(e.currentTarget.value)} />
        )}
      </Field>
      <Field label={t("model.displayName")} hint={t("model.displayNameHint")}>
        {(a) => <input {...a} class="form-control" value={name} required onInput={(e) => setName(e.currentTarget.value)} />}
      </Field>
    </FormDialog>
  );
}

function Description({ at, repository, reload }: { at: ModelAt; repository: Repository; reload: () => void }) {
  const [editing, setEditing] = useState(false);
  const text = repository.description || at.model?.facts?.description || "";
  const may = can("updateRepository") && at.rights.may("repository", "update");
  if (!text && !may) return null;
  return (
    <div class="model-description">
      {text && <Markdown text={text} />}
      {may && (
        <button type="button" class="btn btn-sm btn-link p-0" onClick={() => setEditing(true)}>
          {t(repository.description ? "model.describe" : "model.addDescription")}
        </button>
      )}
      {editing && <DescribeDialog at={at} repository={repository} onClose={() => setEditing(false)} done={reload} />}
    </div>
  );
}

export function Header({ at, repository, reload }: {
  at: ModelAt;
  repository: Repository | undefined;
  reload: () => void;
}) {
  const whole = displayName(at, repository);
  const slash = whole.indexOf("/");
  const facts = at.model?.facts;
  const authors = [...(facts?.author ?? []), ...(facts?.vendor ? [facts.vendor] : [])];
  useEffect(() => {
    document.title = `${whole} · Haven`;
  }, [whole]);
  return (
    <header class="model-head">
      {at.artifact.icon && <Picture digest={at.artifact.icon} />}
      <div class="model-head-main">
        <nav class="crumbs" aria-label={t("model.where")}>
          <a href={`${BASE}/`}>{t("nav.discover")}</a>
          <Icon name="chevronRight" />
          <a href={projectLink(at.project)}>{whole.slice(0, slash)}</a>
        </nav>
        <h1>
          <a class="model-project" href={projectLink(at.project)}>{whole.slice(0, slash)}</a>
          <span class="model-slash">/</span>
          {whole.slice(slash + 1)}
        </h1>
        {(facts?.title || authors.length > 0) && (
          <div class="text-body-secondary">
            {facts?.title && facts.title !== whole.slice(slash + 1) && <span class="model-title">{facts.title}</span>}
            {authors.length > 0 && <span>{t("model.by", { who: authors.join(", ") })}</span>}
          </div>
        )}
        <div class="model-version">
          <TagChooser at={at} />
          <Digest of={at.artifact.digest} />
          {at.artifact.tags?.some((tag) => tag.immutable) && (
            <Chip icon="lock" title={t("model.immutableHint")}>{t("model.immutable")}</Chip>
          )}
        </div>
        {repository && <Description at={at} repository={repository} reload={reload} />}
        <Chips at={at} />
        <Labels at={at} reload={reload} />
      </div>
      <div class="page-actions">
        <UseModel at={at} />
        <VersionMenu at={at} reload={reload} />
      </div>
    </header>
  );
}
