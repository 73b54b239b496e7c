// SPDX-License-Identifier: Apache-2.0
// The panel beside the tabs: numbers, times, where it comes from, what its manifest says besides.
import type { ComponentChildren } from "preact";
import type { Schemas } from "../../api/client";
import { t } from "../../i18n";
import * as format from "../../lib/format";
import { line, record } from "../../lib/json";
import { can } from "../../lib/session";
import { link } from "../../lib/url";
import { Bytes, Chip, Count, Digest, Time } from "../../ui/basic";
import type { ModelAt } from "./at";

type Row = [string, ComponentChildren];

/** Only what leads to a page of the web. */
function Outside({ href }: { href: string }) {
  const shown = href.replace(/^https?:\/\//, "");
  return /^https?:\/\//i.test(href) ? (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow ugc">{shown}</a>
  ) : (
    <>{href}</>
  );
}

function Words({ words, facet }: { words: string[]; facet?: string }) {
  return (
    <span class="chips">
      {words.map((word) => (
        <Chip key={word} href={facet && can("listModels") ? link("/", { [facet]: word }) : undefined}>{word}</Chip>
      ))}
    </span>
  );
}

/** When it was made, as its packager says. */
function created(at: ModelAt): string {
  const annotations = record(at.artifact.annotations);
  const attributes = record(at.artifact.extra_attrs);
  const said = annotations["org.opencontainers.image.created"] ?? attributes.created ?? record(attributes.descriptor).createdAt;
  return typeof said === "string" && !Number.isNaN(Date.parse(said)) ? said : "";
}

function numbers(at: ModelAt, repository: Schemas["Repository"] | undefined): Row[] {
  const { known, weights } = at.model ?? {};
  const parameters = known?.parameters ?? weights?.parameters;
  const rows: Row[] = [[t("size"), <Bytes n={at.artifact.size} />]];
  if (parameters) rows.push([t("facet.parameters"), <Count n={parameters} />]);
  if (weights?.tensor_count) rows.push([t("model.tensors"), format.number(weights.tensor_count)]);
  if (known?.context_length) rows.push([t("model.contextLength"), format.number(known.context_length)]);
  if (repository) rows.push([t("pulls"), <Count n={repository.pull_count} />]);
  return rows;
}

function times(at: ModelAt, repository: Schemas["Repository"] | undefined): Row[] {
  const rows: Row[] = [];
  const made = created(at);
  if (made) rows.push([t("model.made"), <Time at={made} />]);
  rows.push([t("model.pushed"), <Time at={at.artifact.push_time} />], [t("model.pulled"), <Time at={at.artifact.pull_time} />]);
  if (repository) rows.push([t("updated"), <Time at={repository.update_time} />]);
  return rows;
}

function origins(at: ModelAt): Row[] {
  const { facts, known } = at.model ?? {};
  const rows: Row[] = [];
  if (facts?.version) rows.push([t("model.versionSaid"), facts.version]);
  if (facts?.license?.length)
    rows.push([
      t("facet.license"),
      <>
        <Words words={facts.license} facet="license" />
        {known?.license_source && <small class="d-block text-body-secondary">{t("model.licenseSource", { source: known.license_source })}</small>}
      </>,
    ]);
  if (facts?.["base-model"]?.length) rows.push([t("facet.base_model"), <Words words={facts["base-model"]} facet="base_model" />]);
  if (known?.base_relation) rows.push([t("model.relation"), known.base_relation]);
  if (facts?.dataset?.length) rows.push([t("model.datasets"), <Words words={facts.dataset} />]);
  if (known?.model_class) rows.push([t("model.class"), <code>{known.model_class}</code>]);
  if (facts?.["knowledge-cutoff"]) rows.push([t("model.cutoff"), facts["knowledge-cutoff"].slice(0, 10)]);
  if (facts?.["source-url"]) rows.push([t("model.source"), <Outside href={facts["source-url"]} />]);
  if (facts?.["doc-url"]) rows.push([t("model.docs"), <Outside href={facts["doc-url"]} />]);
  if (facts?.revision) rows.push([t("model.revision"), <code>{facts.revision}</code>]);
  return rows;
}

function form(at: ModelAt): Row[] {
  const rows: Row[] = [[t("model.type"), at.artifact.type]];
  if (at.model?.form) rows.push([t("model.form"), at.model.form]);
  rows.push([t("model.digest"), <Digest of={at.artifact.digest} />]);
  return rows;
}

function mediaTypes(at: ModelAt): Row[] {
  const a = at.artifact;
  const rows: Row[] = [];
  if (a.artifact_type) rows.push([t("model.artifactType"), <code>{a.artifact_type}</code>]);
  if (a.manifest_media_type) rows.push([t("model.manifestType"), <code>{a.manifest_media_type}</code>]);
  if (a.media_type && a.media_type !== a.manifest_media_type) rows.push([t("model.configType"), <code>{a.media_type}</code>]);
  return rows;
}

/** `long`: each value below its name. */
function Rows({ rows, long }: { rows: Row[]; long?: boolean }) {
  return (
    <dl class={`facts ${long ? "facts-long" : ""}`}>
      {rows.map(([name, value]) => [<dt key={name}>{name}</dt>, <dd key={`${name} value`}>{value}</dd>])}
    </dl>
  );
}

export function Facts({ at, repository }: { at: ModelAt; repository: Schemas["Repository"] | undefined }) {
  const said = origins(at);
  const annotations = Object.entries(record(at.artifact.annotations));
  return (
    <aside class="model-facts" aria-label={t("model.facts")}>
      <section>
        <h2>{t("model.numbers")}</h2>
        <Rows rows={numbers(at, repository)} />
      </section>
      {said.length > 0 && (
        <section>
          <h2>{t("model.origin")}</h2>
          <Rows rows={said} />
        </section>
      )}
      <section>
        <h2>{t("model.times")}</h2>
        <Rows rows={times(at, repository)} />
      </section>
      <section>
        <h2>{t("model.packaging")}</h2>
        <Rows rows={form(at)} />
        <Rows long rows={mediaTypes(at)} />
      </section>
      {annotations.length > 0 && (
        <details open={annotations.length <= 6}>
          <summary>{t("model.annotations", { n: annotations.length })}</summary>
          <Rows long rows={annotations.map(([key, value]) => [key, line(value)])} />
        </details>
      )}
    </aside>
  );
}
