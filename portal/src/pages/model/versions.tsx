// SPDX-License-Identifier: Apache-2.0
// All versions of a repository, and what belongs to the one that is shown: its members, and what is about it.
import { useState } from "preact/hooks";
import { t, type Key } from "../../i18n";
import * as format from "../../lib/format";
import { useLoad } from "../../lib/load";
import { can } from "../../lib/session";
import { modelLink, pageOf, useQuery } from "../../lib/url";
import { Bytes, Chip, Copy, Time } from "../../ui/basic";
import { Icon } from "../../ui/icon";
import { Filter, Pager, PAGE_SIZE, Table } from "../../ui/table";
import type { Artifact, ModelAt } from "./at";
import { Attached, Members } from "./belongs";
import { DeleteTag } from "./changes";
import { listVersions } from "./read";
import { condition } from "./tag-chooser";
import type { TabProps } from "./tabs";
import { VersionMenu } from "./version-menu";

const SHOW = ["all", "tagged", "untagged"] as const;

/** The words of the box, and whether it has a tag, as conditions. */
function conditions(words: string, show: string): string {
  const q: string[] = [];
  if (/^sha256:/.test(words)) q.push(`digest=~${condition(words)}`);
  else if (words) q.push(`tags=~${condition(words)}`);
  else if (show === "tagged") q.push("tags=*");
  else if (show === "untagged") q.push("tags=nil");
  return q.join(",");
}

function TagChips({ at, artifact, reload }: { at: ModelAt; artifact: Artifact; reload: () => void }) {
  const [gone, setGone] = useState<string>();
  const may = can("deleteTag") && at.rights.may("tag", "delete");
  const tags = artifact.tags ?? [];
  if (tags.length === 0) return <span class="text-body-secondary">{t("model.untagged")}</span>;
  return (
    <span class="chips">
      {tags.map(({ name, immutable }) => (
        <span class="label" key={name}>
          <Chip icon={immutable ? "lock" : "tag"} title={immutable ? t("model.immutableHint") : undefined}
            href={modelLink(at.project, at.repository, { tag: name ?? "" })}>{name}</Chip>
          {may && !immutable && name && (
            <button type="button" class="btn btn-sm btn-x" onClick={() => setGone(name)}
              aria-label={t("model.deleteTag", { tag: name })} title={t("model.deleteTag", { tag: name })}>
              <Icon name="close" />
            </button>
          )}
        </span>
      ))}
      {gone !== undefined && (
        <DeleteTag names={at} artifact={artifact} tag={gone} onClose={() => setGone(undefined)} done={reload} />
      )}
    </span>
  );
}

export default function VersionsTab({ at, reload }: TabProps) {
  const query = useQuery();
  const words = query.one("q");
  const show = query.one("show") || "all";
  const sort = query.one("sort") || "-push_time";
  const page = pageOf(query);
  const load = useLoad(
    (signal) => {
      const q = conditions(words, show);
      return listVersions(at, { sort, page, page_size: PAGE_SIZE, ...(q ? { q } : {}) }, signal);
    },
    // The artifact is another object as soon as something was changed.
    [at.project, at.repository, at.artifact, words, show, sort, page],
  );
  return (
    <>
      {!!at.artifact.references?.length && <Members at={at} />}
      {can("listAccessories") && <Attached at={at} />}
      <section>
        <div class="toolbar">
          <h2 class="m-0">{t("model.allVersions")}</h2>
          <span class="end">
            <select class="form-select w-auto" aria-label={t("model.show")} value={show} disabled={words !== ""}
              onChange={(e) => query.set({ show: e.currentTarget.value === "all" ? "" : e.currentTarget.value, page: "" })}>
              {SHOW.map((one) => <option key={one} value={one}>{t(`model.show.${one}` as Key)}</option>)}
            </select>
            <Filter placeholder={t("model.findVersion")} />
          </span>
        </div>
        <Table load={load} rowKey={(a) => a.id ?? 0} caption={t("model.allVersions")}
          empty={t(words || show !== "all" ? "model.noTag" : "model.noVersions")}
          actions={(a) => <VersionMenu at={at} artifact={a} reload={reload} />}
          columns={[
            { title: t("model.tags"), cell: (a) => <TagChips at={at} artifact={a} reload={reload} /> },
            {
              title: t("model.digest"), sort: "digest",
              cell: (a) => (
                <span class="text-nowrap">
                  <a href={modelLink(at.project, at.repository, { digest: a.digest ?? "" })} title={t("model.open")}
                    aria-current={a.digest === at.reference ? "true" : undefined}>
                    <code title={a.digest ?? undefined}>{format.shortDigest(a.digest ?? "")}</code>
                  </a>
                  <Copy text={a.digest ?? ""} label={t("copy.digest")} />
                  {a.digest === at.reference && <Icon name="check" />}
                </span>
              ),
            },
            { title: t("model.type"), sort: "type", minor: true, cell: (a) => a.type },
            {
              title: t("model.labels"), minor: true,
              cell: (a) => <span class="chips">{(a.labels ?? []).map((l) => <Chip key={l.id} color={l.color ?? "transparent"}>{l.name}</Chip>)}</span>,
            },
            { title: t("size"), sort: "size", end: true, cell: (a) => <Bytes n={a.size} /> },
            { title: t("model.pushed"), sort: "push_time", minor: true, cell: (a) => <Time at={a.push_time} /> },
            { title: t("model.pulled"), sort: "pull_time", minor: true, cell: (a) => <Time at={a.pull_time} /> },
          ]} />
        {load.data && <Pager total={load.data.total} />}
      </section>
    </>
  );
}
