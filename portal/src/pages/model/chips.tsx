// SPDX-License-Identifier: Apache-2.0
// The facts of a model as words; most lead to the other models that have the same.
import { t, type Key } from "../../i18n";
import * as format from "../../lib/format";
import { can } from "../../lib/session";
import { link } from "../../lib/url";
import { Chip } from "../../ui/basic";
import type { IconName } from "../../ui/icon";
import type { ModelAt } from "./at";

interface Word {
  text: string;
  title: Key;
  icon?: IconName;
  /** The parameter of the search that finds the others. */
  facet?: string;
}

function words(at: ModelAt): Word[] {
  const { facts, known, weights } = at.model ?? {};
  const all: Word[] = [];
  const add = (text: string | null | undefined, title: Key, facet?: string, icon?: IconName) => {
    if (text && !all.some((w) => w.text === text && w.facet === facet))
      all.push({ text, title, ...(facet ? { facet } : {}), ...(icon ? { icon } : {}) });
  };
  add(facts?.task, "facet.task", "task");
  add(known?.library, "facet.library", "library");
  add(facts?.family, "facet.family", "family");
  add(weights?.format ?? facts?.format, "facet.format", "format");
  for (const one of (facts?.precision ?? weights?.precision ?? "").split(",")) add(one, "facet.precision", "precision");
  add(facts?.quantization ?? weights?.quantization, "facet.quantization", "quantization");
  const parameters = known?.parameters ?? weights?.parameters;
  if (parameters) add(format.count(parameters), "facet.parameters", undefined, "cpu");
  if (known?.context_length) add(t("model.context", { n: format.number(known.context_length) }), "model.contextLength");
  for (const one of facts?.license ?? []) add(one, "facet.license", "license", "scale");
  for (const one of facts?.language ?? []) add(one, "facet.language", "language", "globe");
  for (const one of known?.tags ?? []) add(one, "model.cardTag", "q", "tag");
  return all;
}

/** More than these are behind a button. */
const SHOWN = 24;

export function Chips({ at }: { at: ModelAt }) {
  const all = words(at);
  const known = at.model?.known;
  const find = can("listModels");
  if (all.length === 0 && !known?.custom_code) return null;
  const chip = (w: Word) => (
    <Chip key={`${w.facet} ${w.text}`} title={t(w.title)} href={w.facet && find ? link("/", { [w.facet]: w.text }) : undefined}
      {...(w.icon ? { icon: w.icon } : {})}>
      {w.text}
    </Chip>
  );
  return (
    <div class="chips" aria-label={t("model.chips")} role="group">
      {known?.custom_code && <Chip icon="exclamation" title={t("model.customCodeHint")}>{t("model.customCode")}</Chip>}
      {all.slice(0, SHOWN).map(chip)}
      {all.length > SHOWN && (
        <details class="more-chips">
          <summary class="btn btn-sm btn-link p-0">{t("facet.more", { n: all.length - SHOWN })}</summary>
          <div class="chips mt-1">{all.slice(SHOWN).map(chip)}</div>
        </details>
      )}
    </div>
  );
}
