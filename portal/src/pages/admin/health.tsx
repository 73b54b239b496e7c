// SPDX-License-Identifier: Apache-2.0
// Is the server well, how full is it, what is in it.
import type { ComponentChildren } from "preact";
import { api, ask } from "../../api/client";
import { t, type Key } from "../../i18n";
import { en } from "../../i18n/en";
import * as format from "../../lib/format";
import { useLoad } from "../../lib/load";
import { usePoll } from "../../lib/poll";
import { can, info } from "../../lib/session";
import { Loaded, Usage } from "../../ui/basic";
import { Icon } from "../../ui/icon";
import { Section } from "../../ui/section";

const EVERY_MS = 10000;

function partName(name: string): string {
  const key = `health.part.${name}`;
  return key in en ? t(key as Key) : name;
}

function Health() {
  const load = useLoad((signal) => ask(api.GET("/api/v2.0/health", { signal })), []);
  usePoll(load.reload, EVERY_MS, true);
  return (
    <Loaded of={load}>
      {(h) => (
        <>
          <p role="status" class="mb-3">
            <strong class={h.status === "healthy" ? "state-good" : "state-bad"}>
              <Icon name={h.status === "healthy" ? "check" : "exclamation"} /> {t(h.status === "healthy" ? "health.well" : "health.ill")}
            </strong>
          </p>
          <ul class="tiles">
            {(h.components ?? []).map((c) => {
              const well = c.status === "healthy";
              return (
                <li class={`card card-body ${well ? "" : "tile-bad"}`} key={c.name}>
                  <span class={well ? "state-good" : "state-bad"}>
                    <Icon name={well ? "check" : "exclamation"} /> {t(well ? "health.healthy" : "health.unhealthy")}
                  </span>
                  <strong>{partName(c.name ?? "")}</strong>
                  {c.error && <span>{c.error}</span>}
                </li>
              );
            })}
          </ul>
        </>
      )}
    </Loaded>
  );
}

function Volumes() {
  const load = useLoad((signal) => ask(api.GET("/api/v2.0/systeminfo/volumes", { signal })), []);
  return (
    <Loaded of={load}>
      {(v) => (
        <ul class="tiles">
          {(v.storage ?? []).map((s, i) => {
            const total = s.total ?? 0;
            const free = s.free ?? 0;
            return (
              <li class="card card-body" key={i}>
                <Usage used={total - free} hard={total} label={t("health.volume")} />
                <span>{t("health.free", { size: format.bytes(free) })}</span>
              </li>
            );
          })}
        </ul>
      )}
    </Loaded>
  );
}

function Figure({ text, children }: { text: string; children: ComponentChildren }) {
  return <li class="card card-body figure"><strong>{children}</strong><span>{text}</span></li>;
}

function Statistics() {
  const load = useLoad((signal) => ask(api.GET("/api/v2.0/statistics", { signal })), []);
  return (
    <Loaded of={load}>
      {(s) => (
        <ul class="tiles">
          <Figure text={t("health.projects", { pub: format.number(s.public_project_count ?? 0), priv: format.number(s.private_project_count ?? 0) })}>
            {format.number(s.total_project_count ?? 0)}
          </Figure>
          <Figure text={t("health.repositories", { pub: format.number(s.public_repo_count ?? 0), priv: format.number(s.private_repo_count ?? 0) })}>
            {format.number(s.total_repo_count ?? 0)}
          </Figure>
          <Figure text={t("health.stored")}>{format.bytes(s.total_storage_consumption ?? 0)}</Figure>
        </ul>
      )}
    </Loaded>
  );
}

function About() {
  const i = info.value;
  const rows: [Key, string | null | undefined][] = [
    ["health.version", i.harbor_version], ["health.external", i.external_url], ["health.registry", i.registry_url],
    ["health.storage", i.registry_storage_provider_name], ["health.auth", i.auth_mode],
    ["health.time", i.current_time && format.time(i.current_time)],
  ];
  return (
    <dl class="facts card card-body">
      {rows.filter(([, value]) => value).map(([key, value]) => [<dt key={key}>{t(key)}</dt>, <dd key={`${key}.value`}>{value}</dd>])}
    </dl>
  );
}

export default function HealthPage() {
  return (
    <>
      <Section title={t("health.parts")}><Health /></Section>
      {can("getVolumes") && <Section title={t("health.volumes")}><Volumes /></Section>}
      {can("getStatistic") && <Section title={t("health.numbers")}><Statistics /></Section>}
      <Section title={t("health.about")}><About /></Section>
    </>
  );
}
