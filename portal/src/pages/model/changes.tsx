// SPDX-License-Identifier: Apache-2.0
// Dialogs that change versions: tags, copies, deletes. A delete asks the server first what links there.
import { useState } from "preact/hooks";
import { api, ApiError, ask, askPage } from "../../api/client";
import { t } from "../../i18n";
import * as format from "../../lib/format";
import { list, record, text } from "../../lib/json";
import { useLoad } from "../../lib/load";
import { useRights } from "../../lib/session";
import { modelLink } from "../../lib/url";
import { Bytes, Digest, Field } from "../../ui/basic";
import { FormDialog } from "../../ui/dialog";
import { say } from "../../ui/toast";
import type { Artifact } from "./at";
import { type Names, pathOf } from "./read";

const ARTIFACT = "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}";

interface Change {
  names: Names;
  onClose: () => void;
  done: () => void;
}

export function AddTag({ names, artifact, onClose, done }: Change & { artifact: Artifact }) {
  const [name, setName] = useState("");
  const submit = async () => {
    await ask(api.POST(`${ARTIFACT}/tags`, {
      params: { path: { ...pathOf(names), reference: artifact.digest ?? "" } },
      body: { name: name.trim() },
    }));
    say(t("model.tagAdded", { tag: name.trim() }));
    done();
  };
  return (
    <FormDialog title={t("model.addTag")} action={t("add")} submit={submit} onClose={onClose} disabled={!name.trim()}>
      <p><Digest of={artifact.digest} /></p>
      <Field label={t("model.tag")} hint={t("model.tagHint")}>
        {(a) => (
          <input {...a} class="form-control" value={name} required maxLength={128} pattern="[A-Za-z0-9_][A-Za-z0-9._\-]*"
            autofocus autocomplete="off" onInput={(e) => setName(e.currentTarget.value)} />
        )}
      </Field>
    </FormDialog>
  );
}

// ---- deletes ----

interface Loser {
  project: string;
  repository: string;
  digest: string;
  tags: string[];
  relation: string;
}

/** What would lose its base, as the server lists it where it refuses for that; undefined: it refused for another reason. */
function losersOf(error: unknown): { losers: Loser[]; more: boolean } | undefined {
  if (!(error instanceof ApiError) || error.status !== 412) return undefined;
  const detail = record(error.detail);
  if (!Array.isArray(detail.links)) return undefined;
  return {
    more: detail.truncated === true,
    losers: list(detail.links).map((one) => {
      const l = record(one);
      return {
        project: text(l.project), repository: text(l.repository), digest: text(l.digest), relation: text(l.relation),
        tags: list(l.tags).map(text),
      };
    }),
  };
}

/** `remove` is called with true first, and then, if links were shown and the person wants it all the same, with false. */
function DeleteDialog({ title, action, children, remove, onClose, type }: {
  title: string;
  action: string;
  children: preact.ComponentChildren;
  remove: (check: boolean) => Promise<void>;
  onClose: () => void;
  /** A word to be written before. */
  type?: string;
}) {
  const [found, setFound] = useState<ReturnType<typeof losersOf>>();
  const [typed, setTyped] = useState("");
  const submit = async () => {
    try {
      await remove(found === undefined);
    } catch (e) {
      const losers = losersOf(e);
      if (!losers) throw e;
      setFound(losers);
      throw new Error(t("model.linked"));
    }
  };
  return (
    <FormDialog danger title={title} action={found ? t("model.deleteAnyway") : action} submit={submit} onClose={onClose}
      disabled={type !== undefined && typed !== type}>
      {children}
      {found && (
        <ul class="losers">
          {found.losers.map((l) => (
            <li key={`${l.digest} ${l.relation}`}>
              <a href={modelLink(l.project, l.repository.slice(l.project.length + 1), { digest: l.digest })}>
                {l.repository}{l.tags[0] ? `:${l.tags[0]}` : `@${format.shortDigest(l.digest)}`}
              </a>{" "}
              <small class="text-body-secondary">{l.relation}</small>
            </li>
          ))}
          {found.more && <li>…</li>}
        </ul>
      )}
      {type !== undefined && (
        <Field label={t("confirm.type", { word: type })}>
          {(a) => <input {...a} class="form-control" value={typed} autocomplete="off" onInput={(e) => setTyped(e.currentTarget.value)} />}
        </Field>
      )}
    </FormDialog>
  );
}

export function DeleteTag({ names, artifact, tag, onClose, done }: Change & { artifact: Artifact; tag: string }) {
  const remove = async (check: boolean) => {
    await ask(api.DELETE(`${ARTIFACT}/tags/{tag_name}`, {
      params: { path: { ...pathOf(names), reference: artifact.digest ?? "", tag_name: tag }, query: { check_links: check } },
    }));
    say(t("model.tagDeleted", { tag }));
    done();
  };
  return (
    <DeleteDialog title={t("model.deleteTag", { tag })} action={t("delete")} remove={remove} onClose={onClose}>
      <p>{t((artifact.tags ?? []).length > 1 ? "model.deleteTagText" : "model.deleteLastTagText", { tag })}</p>
      <Digest of={artifact.digest} />
    </DeleteDialog>
  );
}

export function DeleteVersion({ names, artifact, onClose, done }: Change & { artifact: Artifact }) {
  const about = useLoad(
    (signal) =>
      askPage(api.GET(`${ARTIFACT}/accessories`, {
        params: { path: { ...pathOf(names), reference: artifact.digest ?? "" }, query: { page_size: 1 } },
        signal,
      })),
    [artifact.digest],
  );
  const tags = (artifact.tags ?? []).map((one) => one.name ?? "");
  const remove = async (check: boolean) => {
    await ask(api.DELETE(ARTIFACT, {
      params: { path: { ...pathOf(names), reference: artifact.digest ?? "" }, query: { check_links: check } },
    }));
    say(t("model.versionDeleted"));
    done();
  };
  return (
    <DeleteDialog title={t("model.deleteVersion")} action={t("delete")} remove={remove} onClose={onClose}>
      <p>{t("model.deleteVersionText")}</p>
      <ul>
        <li><Digest of={artifact.digest} />, <Bytes n={artifact.size} /></li>
        {tags.length > 0 && <li>{t("model.losesTags", { tags: tags.join(", ") })}</li>}
        {!!about.data?.total && <li>{t("model.losesAbout", { n: about.data.total })}</li>}
      </ul>
    </DeleteDialog>
  );
}

export function DeleteRepository({ names, onClose, done }: Change) {
  const versions = useLoad(
    (signal) =>
      askPage(api.GET("/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts", {
        params: { path: pathOf(names), query: { page_size: 1, with_tag: false } },
        signal,
      })),
    [names.project, names.repository],
  );
  const remove = async (check: boolean) => {
    await ask(api.DELETE("/api/v2.0/projects/{project_name}/repositories/{repository_name}", {
      params: { path: pathOf(names), query: { check_links: check } },
    }));
    say(t("model.repositoryDeleted", { name: `${names.project}/${names.repository}` }));
    done();
  };
  return (
    <DeleteDialog title={t("model.deleteRepository")} action={t("delete")} remove={remove} onClose={onClose} type={names.repository}>
      <p>{t("model.deleteRepositoryText", { name: `${names.project}/${names.repository}`, n: versions.data?.total ?? 0 })}</p>
    </DeleteDialog>
  );
}

// ---- copies ----

export function CopyVersion({ names, artifact, onClose }: Omit<Change, "done"> & { artifact: Artifact }) {
  const [project, setProject] = useState("");
  const [repository, setRepository] = useState(names.repository);
  const found = useLoad(
    (signal) =>
      askPage(api.GET("/api/v2.0/projects", {
        params: { query: { page_size: 20, sort: "name", ...(project ? { name: project } : {}) } },
        signal,
      })),
    [project],
  );
  const target = found.data?.items.find((p) => p.name === project || p.display_name === project);
  const rights = useRights(target?.project_id);
  const refused = target !== undefined && !rights.loading && !rights.may("artifact", "create");
  const submit = async () => {
    await ask(api.POST("/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts", {
      params: {
        path: { project_name: target?.name ?? project, repository_name: repository.trim() },
        query: { from: `${artifact.repository_name ?? ""}@${artifact.digest ?? ""}` },
      },
    }));
    say(t("model.copied", { name: `${project}/${repository.trim()}` }));
  };
  return (
    <FormDialog title={t("model.copyTo")} action={t("model.copyAction")} submit={submit} onClose={onClose}
      disabled={!target || refused || !repository.trim()}>
      <p>{t("model.copyText1")}</p>
      <Field label={t("model.copyProject")} hint={refused ? t("model.copyRefused") : t("model.copyProjectHint")}>
        {(a) => (
          <>
            <input {...a} class="form-control" list="copy-projects" value={project} required autofocus autocomplete="off"
              onInput={(e) => setProject(e.currentTarget.value.trim())} />
            <datalist id="copy-projects">
              {(found.data?.items ?? []).map((p) => <option key={p.project_id} value={p.name ?? ""} />)}
            </datalist>
          </>
        )}
      </Field>
      <Field label={t("model.copyRepository")}>
        {(a) => (
          <input {...a} class="form-control" value={repository} required autocomplete="off"
            onInput={(e) => setRepository(e.currentTarget.value)} />
        )}
      </Field>
    </FormDialog>
  );
}
