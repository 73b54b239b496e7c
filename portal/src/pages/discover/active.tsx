// SPDX-License-Identifier: Apache-2.0
// What the results are narrowed by, in a row above them: each can be taken away by itself.
import type { ComponentChildren } from "preact";
import { t } from "../../i18n";
import { link } from "../../lib/url";
import { Icon } from "../../ui/icon";
import { FACETS, type Query, rangeText } from "./facets";

function Taken({ children, away }: { children: ComponentChildren; away: () => void }) {
  return (
    <li>
      <button type="button" class="chip chip-away" onClick={away}>
        <span class="visually-hidden">{t("filter.away")} </span>
        {children} <Icon name="close" />
      </button>
    </li>
  );
}

export function Active({ query }: { query: Query }) {
  const [q, min, max] = [query.one("q"), query.one("min_parameters"), query.one("max_parameters")];
  const chosen = FACETS.flatMap((facet) => query.all(facet).map((value) => ({ facet, value })));
  if (!q && !min && !max && chosen.length === 0) return null;
  return (
    <ul class="active-filters" aria-label={t("filter.active")}>
      {q && <Taken away={() => query.set({ q: "", sort: "", page: "" })}>“{q}”</Taken>}
      {(min || max) && (
        <Taken away={() => query.set({ min_parameters: "", max_parameters: "", page: "" })}>
          <span class="chip-kind">{t("facet.parameters")}</span> {rangeText(min, max)}
        </Taken>
      )}
      {chosen.map(({ facet, value }) => (
        <Taken key={`${facet} ${value}`}
          away={() => query.set({ [facet]: query.all(facet).filter((v) => v !== value), page: "" })}>
          <span class="chip-kind">{t(`facet.${facet}`)}</span> {value}
        </Taken>
      ))}
      {chosen.length + Number(!!q) + Number(!!(min || max)) > 1 && (
        <li><a class="btn btn-link btn-sm p-0" href={link("/")}>{t("facet.clear")}</a></li>
      )}
    </ul>
  );
}
