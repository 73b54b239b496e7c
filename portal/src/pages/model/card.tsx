// SPDX-License-Identifier: Apache-2.0
// The card of a model (or the README of a chart): what its people wrote about it.
import { useMemo } from "preact/hooks";
import { artifactUrl, fileUrl, raw } from "../../api/client";
import { t, type Key } from "../../i18n";
import { record } from "../../lib/json";
import { useLoad } from "../../lib/load";
import { splitFront } from "../../lib/markdown";
import type { Surroundings } from "../../lib/sanitize";
import { can, info } from "../../lib/session";
import { link, modelLink, useQuery } from "../../lib/url";
import { Chip, Command, Empty, Failure, Loading } from "../../ui/basic";
import { Markdown } from "../../ui/markdown";
import type { ModelAt } from "./at";
import { isServed } from "./commands";
import { isPicture } from "./file-kind";
import type { TabProps } from "./tabs";

/** What addresses in a card lead to: files of the same version. */
export function surroundings(at: ModelAt, version: { tag: string; digest: string }): Surroundings {
  const files = at.model?.files ?? [];
  const readme = at.model?.readme ?? "";
  return {
    folder: readme.slice(0, Math.max(0, readme.lastIndexOf("/"))),
    fileLink: (path) => {
      const to = (where: Record<string, string>) => modelLink(at.project, at.repository, { ...version, tab: "files", ...where });
      if (files.some((f) => f.file === path)) return to({ path });
      return files.some((f) => f.file?.startsWith(`${path}/`)) ? to({ dir: path }) : undefined;
    },
    picture: (path) => {
      const file = files.find((f) => f.file === path);
      return file && isServed(at, file) && isPicture(path) ? fileUrl(at.project, at.repository, at.reference, path) : undefined;
    },
    outside: (alt, host) => t("markdown.picture", { alt, host }),
  };
}

/** What stands in front of a card, as the server read it. */
function Front({ at, front }: { at: ModelAt; front: string }) {
  const { facts, known } = at.model ?? {};
  const find = can("listModels");
  const rows: [Key, string[], string?][] = [
    ["facet.license", facts?.license ?? [], "license"],
    ["facet.language", facts?.language ?? [], "language"],
    ["facet.task", facts?.task ? [facts.task] : [], "task"],
    ["facet.library", known?.library ? [known.library] : [], "library"],
    ["facet.base_model", facts?.["base-model"] ?? [], "base_model"],
    ["model.datasets", facts?.dataset ?? []],
    ["model.cardTags", known?.tags ?? [], "q"],
  ];
  const shown = rows.filter(([, values]) => values.length > 0);
  if (!front.trim()) return null;
  return (
    <section class="card-front" aria-label={t("model.front")}>
      <dl>
        {shown.map(([key, values, facet]) => (
          <div key={key}>
            <dt>{t(key)}</dt>
            <dd class="chips">
              {values.map((v) => <Chip key={v} href={facet && find ? link("/", { [facet]: v }) : undefined}>{v}</Chip>)}
            </dd>
          </div>
        ))}
      </dl>
      <details>
        <summary>{t("model.frontAll")}</summary>
        <pre class="plain" tabIndex={0}>{front}</pre>
      </details>
    </section>
  );
}

function None({ at }: { at: ModelAt }) {
  const host = info.value.registry_url || location.host;
  const full = at.artifact.repository_name ?? `${at.project}/${at.repository}`;
  const tag = at.artifact.tags?.[0]?.name ?? "v1";
  return (
    <Empty icon="journal">
      <p>{t("model.noCard")}</p>
      {at.rights.may("repository", "push") && (
        <div class="empty-help">
          <p>{t("model.addCard")}</p>
          <Command text={`---\nlicense: apache-2.0\npipeline_tag: text-generation\n---\n# ${at.repository}`} />
          <Command text={`haven push ./${at.repository.slice(at.repository.lastIndexOf("/") + 1)} ${host}/${full}:${tag}`} />
        </div>
      )}
    </Empty>
  );
}

export default function CardTab({ at }: TabProps) {
  const query = useQuery();
  const has = "readme.md" in record(at.artifact.addition_links);
  const load = useLoad(
    has
      ? async (signal) => (await raw(artifactUrl(at.project, at.repository, at.reference, "/additions/readme.md"), { signal })).text()
      : null,
    [at.reference, has],
  );
  const version = { tag: query.one("tag"), digest: query.one("digest") };
  const around = useMemo(() => surroundings(at, version), [at.reference, at.model, version.tag, version.digest]);
  const text = useMemo(() => (load.data === undefined ? undefined : splitFront(load.data)), [load.data]);
  if (!has) return at.model ? <None at={at} /> : <Empty icon="clock">{t("model.notRead")}</Empty>;
  if (load.error !== undefined)
    return (
      <>
        <Failure error={load.error} retry={load.reload} />
        {at.model?.readme && <a href={around.fileLink(at.model.readme)}>{at.model.readme}</a>}
      </>
    );
  if (!text) return <Loading />;
  return (
    <>
      <Front at={at} front={text.front} />
      {text.body.trim() ? <Markdown text={text.body} around={around} /> : <Empty icon="journal">{t("model.emptyCard")}</Empty>}
    </>
  );
}
