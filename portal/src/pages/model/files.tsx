// SPDX-License-Identifier: Apache-2.0
// The files of a version: a directory at a time, or all whose path holds some words.
import { useMemo } from "preact/hooks";
import { fileUrl } from "../../api/client";
import { t, type Key } from "../../i18n";
import { can } from "../../lib/session";
import { modelLink, pageOf, useQuery } from "../../lib/url";
import { Bytes, Chip, Copy, Empty } from "../../ui/basic";
import { Icon } from "../../ui/icon";
import { Filter, Pager } from "../../ui/table";
import type { ModelAt, ModelContent } from "./at";
import { isServed } from "./commands";
import { Preview } from "./preview";
import type { TabProps } from "./tabs";

export type File = NonNullable<ModelContent["files"]>[number];
const PAGE = 100;

/** What a directory shows: a directory in it, or a file. */
interface Entry {
  name: string;
  path: string;
  size: number;
  /** Of a directory: how many files. */
  files: number;
  file?: File;
}

/** The path of a file; what lies in an archive that was not looked into has that of the archive, or none. */
export function pathOfFile(file: File): string {
  return file.file || file.layer || "";
}

function entriesOf(files: File[], dir: string): Entry[] {
  const before = dir ? `${dir}/` : "";
  const dirs = new Map<string, Entry>();
  const all: Entry[] = [];
  for (const file of files) {
    const path = pathOfFile(file);
    if (!path.startsWith(before)) continue;
    const rest = path.slice(before.length);
    const slash = rest.indexOf("/");
    const size = file.size ?? 0;
    if (slash < 0) {
      all.push({ name: rest, path, size, files: 1, file });
      continue;
    }
    const name = rest.slice(0, slash);
    const known = dirs.get(name);
    if (known) {
      known.size += size;
      known.files++;
    } else {
      dirs.set(name, { name, path: before + name, size, files: 1 });
    }
  }
  const byName = (a: Entry, b: Entry) => a.name.localeCompare(b.name, "en");
  return [...[...dirs.values()].sort(byName), ...all.sort(byName)];
}

function matching(files: File[], words: string): Entry[] {
  const parts = words.toLowerCase().split(/\s+/);
  return files
    .map((file) => ({ name: pathOfFile(file), path: pathOfFile(file), size: file.size ?? 0, files: 1, file }))
    .filter((e) => parts.every((p) => e.path.toLowerCase().includes(p)))
    .sort((a, b) => a.path.localeCompare(b.path, "en"));
}

const KINDS: Record<string, Key> = {
  weight: "model.kind.weight", "weight.config": "model.kind.config", code: "model.kind.code", doc: "model.kind.doc",
  dataset: "model.kind.dataset",
};

export function FileNotes({ file }: { file: File }) {
  const kind = KINDS[file.kind ?? ""];
  return (
    <span class="chips">
      {kind && <Chip>{t(kind)}</Chip>}
      {file.format && <Chip>{file.format}</Chip>}
      {file.encoding && file.encoding !== "raw" && <Chip icon="box" title={t("model.inArchive")}>{file.encoding}</Chip>}
      {file.looked_into === false && <Chip icon="lock" title={t("model.closedHint")}>{t("model.closed")}</Chip>}
    </span>
  );
}

export function Download({ at, file, wide }: { at: ModelAt; file: File; wide?: boolean }) {
  const path = pathOfFile(file);
  if (!can("getModelFile") || !isServed(at, file)) return null;
  const label = t("model.downloadFile", { name: path });
  return (
    <a class={`btn btn-sm ${wide ? "btn-outline-secondary" : ""}`} href={fileUrl(at.project, at.repository, at.reference, path)}
      download={path.slice(path.lastIndexOf("/") + 1)} aria-label={label} title={label}>
      <Icon name="download" /> {wide && t("model.download")}
    </a>
  );
}

function Row({ at, entry, total, href }: { at: ModelAt; entry: Entry; total: number; href: string }) {
  const share = total > 0 ? (entry.size / total) * 100 : 0;
  const shown = share > 0 && share < 1 ? "<1" : String(Math.round(share));
  return (
    <tr>
      <td>
        <a href={href} class="file-name">
          <Icon name={entry.file ? "file" : "folder"} /> {entry.name}
        </a>
        {!entry.file && <small class="text-body-secondary"> {t("model.fileCount", { n: entry.files })}</small>}
      </td>
      <td class="minor">{entry.file && <FileNotes file={entry.file} />}</td>
      <td class="text-end text-nowrap"><Bytes n={entry.size} /></td>
      <td class="minor file-share">
        <div class="progress" role="presentation"><div class="progress-bar" style={{ width: `${share}%` }} /></div>
        <small>{shown} %</small>
      </td>
      <td class="text-end row-actions">
        {entry.file && <Download at={at} file={entry.file} />}
        <Copy text={entry.path} label={t("model.copyPath", { name: entry.name })} />
      </td>
    </tr>
  );
}

/** The way from the root to where one is. */
export function Way({ at, path }: { at: ModelAt; path: string }) {
  const query = useQuery();
  const parts = path ? path.split("/") : [];
  const href = (dir: string) =>
    modelLink(at.project, at.repository, { tag: query.one("tag"), digest: query.one("digest"), tab: "files", dir });
  return (
    <nav class="crumbs" aria-label={t("model.path")}>
      {parts.length > 0 ? <a href={href("")}>{at.repository}</a> : <strong>{at.repository}</strong>}
      {parts.map((part, i) => {
        const dir = parts.slice(0, i + 1).join("/");
        return (
          <span key={dir}>
            <span class="crumb-slash">/</span>
            {i === parts.length - 1 ? <strong>{part}</strong> : <a href={href(dir)}>{part}</a>}
          </span>
        );
      })}
    </nav>
  );
}

export default function FilesTab({ at }: TabProps) {
  const query = useQuery();
  const files = at.model?.files ?? [];
  const dir = query.one("dir").replace(/\/+$/, "");
  const words = query.one("q");
  const chosen = query.one("path");
  const entries = useMemo(() => (words ? matching(files, words) : entriesOf(files, dir)), [at.model, dir, words]);
  const total = useMemo(() => files.reduce((sum, f) => sum + (f.size ?? 0), 0), [at.model]);
  if (chosen) return <Preview at={at} path={chosen} file={files.find((f) => pathOfFile(f) === chosen)} />;
  if (!at.model) return <Empty icon="clock">{t("model.notRead")}</Empty>;
  const first = (pageOf(query) - 1) * PAGE;
  const to = (e: Entry) =>
    modelLink(at.project, at.repository, {
      tag: query.one("tag"), digest: query.one("digest"), tab: "files", [e.file ? "path" : "dir"]: e.path,
    });
  return (
    <>
      <div class="toolbar">
        {words ? <span class="text-body-secondary">{t("model.found", { n: entries.length })}</span> : <Way at={at} path={dir} />}
        <span class="end">
          <span class="text-body-secondary">{t("model.fileCount", { n: files.length })}, <Bytes n={total} /></span>
          <Filter placeholder={t("model.findFile")} />
        </span>
      </div>
      {entries.length === 0 ? (
        <Empty icon="folder">{t(words ? "model.noFile" : "model.noFiles")}</Empty>
      ) : (
        <div class="table-responsive">
          <table class="table table-hover align-middle files">
            <caption class="visually-hidden">{t("model.tab.files")}</caption>
            <thead>
              <tr>
                <th scope="col">{t("name")}</th>
                <th scope="col" class="minor">{t("model.kind")}</th>
                <th scope="col" class="text-end">{t("size")}</th>
                <th scope="col" class="minor">{t("model.share")}</th>
                <th scope="col"><span class="visually-hidden">{t("actions")}</span></th>
              </tr>
            </thead>
            <tbody>
              {entries.slice(first, first + PAGE).map((e) => <Row key={`${e.path} ${e.file?.at}`} at={at} entry={e} total={total} href={to(e)} />)}
            </tbody>
          </table>
        </div>
      )}
      {entries.length > PAGE && <Pager total={entries.length} size={PAGE} />}
    </>
  );
}
