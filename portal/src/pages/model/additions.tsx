// SPDX-License-Identifier: Apache-2.0
// What artifacts that are no models bring along: the history of an image, values and dependencies of a chart, bills of
// materials; and what their configuration says.
import type { ComponentChildren } from "preact";
import { artifactUrl, raw } from "../../api/client";
import { t } from "../../i18n";
import { line, list, record, text } from "../../lib/json";
import { useLoad } from "../../lib/load";
import { Copy, Empty, Loaded, Time } from "../../ui/basic";
import type { ModelAt } from "./at";
import type { TabProps } from "./tabs";

/** Of a text no more is drawn. */
const DRAWN = 512 * 1024;


function useAddition(at: ModelAt, name: string) {
  return useLoad(
    async (signal) => (await raw(artifactUrl(at.project, at.repository, at.reference, `/additions/${name}`), { signal })).text(),
    [at.reference, name],
  );
}

function Source({ children }: { children: string }) {
  return (
    <div class="source">
      <Copy text={children} label={t("model.copyText")} />
      <pre class="plain" tabIndex={0}>{children.slice(0, DRAWN)}</pre>
      {children.length > DRAWN && <p class="text-body-secondary">{t("model.cut")}</p>}
    </div>
  );
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** "#(nop)" and the shell that every step begins with say nothing. */
function step(by: string): string {
  return by.replace(/^\/bin\/sh -c (#\(nop\)\s*)?/, "").trim();
}

export function History({ at }: TabProps) {
  const load = useAddition(at, "build_history");
  return (
    <Loaded of={load}>
      {(body) => {
        const steps = list(parsed(body)).map(record);
        if (steps.length === 0) return <Empty icon="clock">{t("model.noHistory")}</Empty>;
        return (
          <ol class="history">
            {steps.map((s, i) => (
              <li key={`${i}`}>
                <pre class="plain" tabIndex={0}>{step(text(s.created_by)) || text(s.comment) || "—"}</pre>
                <small class="text-body-secondary">
                  <Time at={text(s.created)} /> {s.empty_layer === true && t("model.noLayer")}
                </small>
              </li>
            ))}
          </ol>
        );
      }}
    </Loaded>
  );
}

export function Values({ at }: TabProps) {
  const load = useAddition(at, "values.yaml");
  return <Loaded of={load}>{(body) => <Source>{body}</Source>}</Loaded>;
}

export function Dependencies({ at }: TabProps) {
  const load = useAddition(at, "dependencies");
  return (
    <Loaded of={load}>
      {(body) => {
        const rows = list(parsed(body)).map(record);
        if (rows.length === 0) return <Empty>{t("model.noDependencies")}</Empty>;
        return (
          <div class="table-responsive">
            <table class="table">
              <caption class="visually-hidden">{t("model.tab.dependencies")}</caption>
              <thead>
                <tr>
                  <th scope="col">{t("name")}</th>
                  <th scope="col">{t("model.version")}</th>
                  <th scope="col">{t("model.repository")}</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((r) => (
                  <tr key={`${text(r.name)} ${text(r.version)}`}>
                    <td>{text(r.name)}</td>
                    <td>{text(r.version)}</td>
                    <td>{text(r.repository)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        );
      }}
    </Loaded>
  );
}

/** Packages of a document of SPDX or CycloneDX: name and version. */
function packages(document: unknown): { name: string; version: string; license: string }[] {
  const d = record(document);
  return [...list(d.packages), ...list(d.components)].map((one) => {
    const p = record(one);
    return {
      name: text(p.name),
      version: text(p.versionInfo) || text(p.version),
      license: text(p.licenseConcluded) || list(p.licenses).map((l) => text(record(record(l).license).id)).filter(Boolean).join(", "),
    };
  });
}

export function Sbom({ at }: TabProps) {
  const load = useAddition(at, "sbom");
  return (
    <Loaded of={load}>
      {(body) => {
        const found = packages(parsed(body));
        return (
          <>
            {found.length > 0 && (
              <div class="table-responsive">
                <table class="table">
                  <caption class="visually-hidden">{t("model.tab.sbom")}</caption>
                  <thead>
                    <tr>
                      <th scope="col">{t("model.package")}</th>
                      <th scope="col">{t("model.version")}</th>
                      <th scope="col">{t("facet.license")}</th>
                    </tr>
                  </thead>
                  <tbody>
                    {found.slice(0, 1000).map((p) => (
                      <tr key={`${p.name} ${p.version}`}><td>{p.name}</td><td>{p.version}</td><td>{p.license}</td></tr>
                    ))}
                  </tbody>
                </table>
              </div>
            )}
            <details open={found.length === 0}>
              <summary>{t("model.document")}</summary>
              <Source>{body}</Source>
            </details>
          </>
        );
      }}
    </Loaded>
  );
}

function Value({ of }: { of: unknown }): ComponentChildren {
  if (typeof of === "object" && of !== null) return <pre class="plain" tabIndex={0}>{JSON.stringify(of, null, 2)}</pre>;
  return <span>{line(of)}</span>;
}

export function Configuration({ at }: TabProps) {
  const entries = Object.entries(record(at.artifact.extra_attrs));
  if (entries.length === 0) return <Empty>{t("model.noConfiguration")}</Empty>;
  return (
    <dl class="facts configuration">
      {entries.map(([key, value]) => [<dt key={key}>{key}</dt>, <dd key={`${key} value`}><Value of={value} /></dd>])}
    </dl>
  );
}
