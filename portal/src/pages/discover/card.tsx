// SPDX-License-Identifier: Apache-2.0
// A model among those that were found, and what stands in its place until it is there.
import type { Schemas } from "../../api/client";
import { t, type Key } from "../../i18n";
import { modelLink } from "../../lib/url";
import { parts } from "../../lib/words";
import { Bytes, Chip, Count, Time } from "../../ui/basic";
import { Icon } from "../../ui/icon";

/** A text in which the words searched for are marked. */
export function Marked({ text, words }: { text: string; words: string }) {
  return <>{parts(text, words).map((p, i) => (p.hit ? <mark key={i}>{p.text}</mark> : p.text))}</>;
}

export function ModelCard({ model, words = "" }: { model: Schemas["FoundModel"]; words?: string }) {
  const project = model.project ?? "";
  const repository = (model.repository ?? "").slice(project.length + 1);
  const tag = model.tags?.[0];
  const facts: [Key, string | null | undefined][] = [
    ["facet.task", model.task], ["facet.format", model.format], ["facet.precision", model.precision],
    ["facet.quantization", model.quantization],
  ];
  const text = model.description || model.title;
  return (
    <article class="card model">
      <div class="model-name">
        <h2>
          <a href={modelLink(project, repository, { tag: tag ?? "" })}>
            <Marked text={model.display_name ?? model.repository ?? ""} words={words} />
          </a>
        </h2>
        {tag && <Chip icon="tag">{tag}</Chip>}
      </div>
      {text && <p class="model-text"><Marked text={text} words={words} /></p>}
      <div class="chips">
        {facts.map(([key, value]) => value && <Chip key={key} title={t(key)}>{value}</Chip>)}
        {(model.licenses ?? []).map((l) => <Chip key={l} icon="scale" title={t("facet.license")}>{l}</Chip>)}
        {(model.labels ?? []).map((l) => <Chip key={l} icon="tags" title={t("facet.label")}>{l}</Chip>)}
      </div>
      <div class="model-foot">
        {!!model.parameters && <span title={t("facet.parameters")}><Icon name="cpu" /> <Count n={model.parameters} /></span>}
        <span title={t("size")}><Icon name="box" /> <Bytes n={model.size} /></span>
        <span title={t("pulls")}><Icon name="download" /> <Count n={model.pulls} /></span>
        <span><Icon name="clock" /> <Time at={model.update_time} /></span>
      </div>
    </article>
  );
}

/** As high as models are, so that nothing jumps when they come. */
export function Skeletons({ n }: { n: number }) {
  return (
    <div class="models loading-cards" role="status" aria-label={t("loading")}>
      {Array.from({ length: n }, (_, i) => (
        <div class="card model skeleton" key={i} aria-hidden="true">
          <span class="bone bone-name" /><span class="bone bone-text" /><span class="bone bone-text" /><span class="bone bone-foot" />
        </div>
      ))}
    </div>
  );
}

/** The same for the facets. */
export function FacetSkeletons() {
  return (
    <div role="status" aria-label={t("loading")}>
      {[4, 3, 5, 3].map((n, i) => (
        <div class="facets" key={i} aria-hidden="true">
          <span class="bone bone-legend" />
          {Array.from({ length: n }, (_, k) => <span class="bone bone-line" key={k} />)}
        </div>
      ))}
    </div>
  );
}
