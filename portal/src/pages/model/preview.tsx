// SPDX-License-Identifier: Apache-2.0
// One file: its text, or the beginning of it; a picture; or what else can be done with it.
import { useMemo } from "preact/hooks";
import { fileUrl, raw } from "../../api/client";
import { t } from "../../i18n";
import * as format from "../../lib/format";
import { useLoad } from "../../lib/load";
import { splitFront } from "../../lib/markdown";
import { can } from "../../lib/session";
import { modelLink, useQuery } from "../../lib/url";
import { Bytes, Copy, Digest, Empty, Loaded } from "../../ui/basic";
import { Markdown } from "../../ui/markdown";
import type { ModelAt } from "./at";
import { surroundings } from "./card";
import { isServed } from "./commands";
import { isBinary, isJson, isMarkdown, isPicture, textOf } from "./file-kind";
import { Download, type File, FileNotes, Way } from "./files";
import { tabs } from "./tabs";

/** Of a text no more is fetched than this, of a picture not one that is larger. */
const TEXT_MAX = 64 * 1024;
const PICTURE_MAX = 16 * 1024 * 1024;

/** JSON as people read it, where all of it is there. */
function readable(path: string, text: string, whole: boolean): string {
  if (!whole || !isJson(path)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function Text({ at, file, path }: { at: ModelAt; file: File; path: string }) {
  const query = useQuery();
  const size = file.size ?? 0;
  const whole = size <= TEXT_MAX;
  const load = useLoad(
    async (signal) => {
      const headers: HeadersInit = whole ? {} : { Range: `bytes=0-${TEXT_MAX - 1}` };
      const answer = await raw(fileUrl(at.project, at.repository, at.reference, path), { signal, headers });
      return textOf(new Uint8Array(await answer.arrayBuffer())) ?? null;
    },
    [at.reference, path],
  );
  const version = { tag: query.one("tag"), digest: query.one("digest") };
  const drawn = query.one("view") !== "source" && isMarkdown(path) && whole;
  const around = useMemo(
    () => ({ ...surroundings(at, version), folder: path.slice(0, Math.max(0, path.lastIndexOf("/"))) }),
    [at.reference, path, version.tag, version.digest],
  );
  return (
    <Loaded of={load}>
      {(text) => {
        if (text === null) return <Binary at={at} file={file} />;
        const shown = readable(path, text, whole);
        return (
          <>
            {!whole && (
              <div class="alert alert-info" role="status">
                {t("model.beginning", { shown: format.bytes(TEXT_MAX), size: format.bytes(size) })}
              </div>
            )}
            {drawn ? (
              <Markdown text={splitFront(text).body} around={around} />
            ) : (
              <div class="source">
                <Copy text={text} label={t("model.copyText")} />
                <pre class="plain" tabIndex={0}>{shown}</pre>
              </div>
            )}
          </>
        );
      }}
    </Loaded>
  );
}

function Binary({ at, file }: { at: ModelAt; file: File }) {
  const query = useQuery();
  const tensors = !!file.tensor_count && tabs.some((tab) => tab.id === "tensors");
  return (
    <Empty icon="file">
      {t("model.binary")}{" "}
      {tensors && (
        <a href={modelLink(at.project, at.repository, {
          tag: query.one("tag"), digest: query.one("digest"), tab: "tensors", file: file.file ?? "",
        })}>
          {t("model.toTensors", { n: file.tensor_count ?? 0 })}
        </a>
      )}
    </Empty>
  );
}

function Shown({ at, file, path }: { at: ModelAt; file: File; path: string }) {
  if (file.looked_into === false) return <Empty icon="lock">{t("model.closedHint")}</Empty>;
  if (!can("getModelFile") || !isServed(at, file))
    return <Empty icon="box">{t("model.compressed", { encoding: file.encoding ?? "" })}</Empty>;
  if (!file.size) return <Empty icon="file">{t("model.emptyFile")}</Empty>;
  if (isPicture(path))
    return file.size > PICTURE_MAX ? (
      <Empty icon="file">{t("model.largePicture", { size: format.bytes(file.size) })}</Empty>
    ) : (
      <img class="preview-picture" src={fileUrl(at.project, at.repository, at.reference, path)} alt={path} />
    );
  if (file.kind === "weight" || isBinary(path)) return <Binary at={at} file={file} />;
  return <Text at={at} file={file} path={path} />;
}

export function Preview({ at, path, file }: { at: ModelAt; path: string; file: File | undefined }) {
  const query = useQuery();
  if (!file)
    return (
      <>
        <Way at={at} path={path} />
        <Empty icon="file">{t("model.noSuchFile", { path })}</Empty>
      </>
    );
  const source = query.one("view") === "source";
  return (
    <>
      <div class="toolbar">
        <Way at={at} path={path} />
        <Copy text={path} label={t("model.copyPath", { name: path })} />
        <span class="end">
          {isMarkdown(path) && (
            <button type="button" class="btn btn-sm btn-outline-secondary" aria-pressed={source}
              onClick={() => query.set({ view: source ? "" : "source" })}>{t("model.showSource")}</button>
          )}
          <Download at={at} file={file} wide />
        </span>
      </div>
      <div class="file-facts">
        <Bytes n={file.size} />
        <FileNotes file={file} />
        {file.layer && <span>{t("model.layer")} <Digest of={file.layer} /></span>}
      </div>
      <Shown key={path} at={at} file={file} path={path} />
    </>
  );
}
