// SPDX-License-Identifier: Apache-2.0
// What belongs to a version: the members of an index, and what was attached to it (signatures, bills of materials).
import { useState } from "preact/hooks";
import { api, askPage } from "../../api/client";
import { t, type Key } from "../../i18n";
import { line, record, text } from "../../lib/json";
import { useLoad } from "../../lib/load";
import { can } from "../../lib/session";
import { modelLink } from "../../lib/url";
import { Bytes, Digest, Failure, Time } from "../../ui/basic";
import { Icon } from "../../ui/icon";
import type { ModelAt } from "./at";
import { DeleteVersion } from "./changes";
import { pathOf } from "./read";

/** "linux/arm64/v8" */
function platform(value: unknown): string {
  const p = record(value);
  return [p.os, p.architecture, p.variant].map(text).filter((x) => x !== "").join("/");
}

export function Members({ at }: { at: ModelAt }) {
  return (
    <section class="mb-4">
      <h2>{t("model.members")}</h2>
      <ul class="belongs">
        {(at.artifact.references ?? []).map((m) => (
          <li key={m.child_digest}>
            <Icon name="box" />
            {m.child_id ? (
              <a href={modelLink(at.project, at.repository, { digest: m.child_digest ?? "" })}>{platform(m.platform) || t("model.member")}</a>
            ) : (
              <span>{platform(m.platform) || t("model.member")} <small>{t("model.notHere")}</small></span>
            )}
            <Digest of={m.child_digest} />
            {Object.entries(record(m.annotations)).map(([key, value]) => <small key={key}>{key}: {line(value)}</small>)}
          </li>
        ))}
      </ul>
    </section>
  );
}

const KINDS: Record<string, Key> = {
  "signature.cosign": "model.about.cosign", "signature.notation": "model.about.notation", "sbom.harbor": "model.about.sbom",
  "accelerator.nydus": "model.about.nydus", "subject.accessory": "model.about.other",
};
/** More of them than that nobody reads. */
const SHOWN = 100;

export function Attached({ at }: { at: ModelAt }) {
  const [gone, setGone] = useState<string>();
  const load = useLoad(
    (signal) =>
      askPage(api.GET("/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/accessories", {
        params: { path: { ...pathOf(at), reference: at.reference }, query: { page_size: SHOWN } },
        signal,
      })),
    [at.reference],
  );
  const may = can("deleteArtifact") && at.rights.may("artifact", "delete");
  if (load.error !== undefined) return <Failure error={load.error} retry={load.reload} />;
  if (!load.data || load.data.total === 0) return null;
  const chosen = load.data.items.find((a) => a.digest === gone);
  return (
    <section class="mb-4">
      <h2>{t("model.attached")}</h2>
      <ul class="belongs">
        {load.data.items.map(({ digest, type, size, creation_time }) => {
          const kind = KINDS[type ?? ""];
          return (
            <li key={digest}>
              <Icon name={type?.startsWith("signature") ? "shield" : "file"} />
              <a href={modelLink(at.project, at.repository, { digest: digest ?? "" })}>{kind ? t(kind) : type}</a>
              <Digest of={digest} /> <Bytes n={size} /> <Time at={creation_time} />
              {may && digest && (
                <button type="button" class="btn btn-sm btn-x" onClick={() => setGone(digest)}
                  aria-label={t("model.detach")} title={t("model.detach")}>
                  <Icon name="close" />
                </button>
              )}
            </li>
          );
        })}
        {load.data.total > SHOWN && <li>{t("facet.more", { n: load.data.total - SHOWN })}</li>}
      </ul>
      {chosen && (
        <DeleteVersion names={at} artifact={{ digest: chosen.digest ?? null, size: chosen.size ?? null }} onClose={() => setGone(undefined)}
          done={load.reload} />
      )}
    </section>
  );
}
