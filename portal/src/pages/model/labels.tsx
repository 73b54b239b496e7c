// SPDX-License-Identifier: Apache-2.0
// The labels of a version: of the project and of the whole system.
import { useState } from "preact/hooks";
import { api, ask, askPage } from "../../api/client";
import { t } from "../../i18n";
import { useAction, useLoad } from "../../lib/load";
import { can } from "../../lib/session";
import { link } from "../../lib/url";
import { Chip, Empty, Failure, Loaded } from "../../ui/basic";
import { FormDialog } from "../../ui/dialog";
import { Icon } from "../../ui/icon";
import { say } from "../../ui/toast";
import type { Artifact, ModelAt } from "./at";
import { pathOf } from "./read";

const SIZE = 50;
const LABELS = "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/labels";

function askLabels(scope: "g" | "p", projectId: number, name: string, signal: AbortSignal) {
  return askPage(api.GET("/api/v2.0/labels", {
    params: {
      query: {
        scope, page_size: SIZE, sort: "name", ...(scope === "p" ? { project_id: projectId } : {}), ...(name ? { name } : {}),
      },
    },
    signal,
  }));
}

/** Chooses one of the labels that there are. */
export function LabelDialog({ at, artifact, onClose, done }: {
  at: ModelAt;
  artifact: Artifact;
  onClose: () => void;
  done: () => void;
}) {
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<number>();
  const found = useLoad(
    async (signal) => {
      const [own, all] = await Promise.all([askLabels("p", at.projectId, name, signal), askLabels("g", 0, name, signal)]);
      return [...own.items, ...all.items];
    },
    [name],
  );
  const has = new Set((artifact.labels ?? []).map((l) => l.id));
  const submit = async () => {
    if (chosen === undefined) return;
    await ask(api.POST(LABELS, {
      params: { path: { ...pathOf(at), reference: artifact.digest ?? "" } },
      body: { id: chosen },
    }));
    say(t("model.labelAdded"));
    done();
  };
  return (
    <FormDialog title={t("model.addLabel")} action={t("add")} submit={submit} onClose={onClose} disabled={chosen === undefined}>
      <input class="form-control mb-3" type="search" value={name} placeholder={t("model.findLabel")} autofocus
        aria-label={t("model.findLabel")} onInput={(e) => setName(e.currentTarget.value)} />
      <Loaded of={found}>
        {(labels) => {
          const free = labels.filter((l) => !has.has(l.id));
          return free.length === 0 ? (
            <Empty icon="tags">{t("model.noLabel")}</Empty>
          ) : (
            <div class="label-choice" role="radiogroup" aria-label={t("model.addLabel")}>
              {free.map((l) => (
                <label key={l.id}>
                  <input type="radio" class="form-check-input" name="label" checked={chosen === l.id}
                    onChange={() => setChosen(l.id ?? undefined)} />
                  <Chip color={l.color ?? "transparent"}>{l.name}</Chip>
                  <small class="text-body-secondary">{l.description}</small>
                </label>
              ))}
            </div>
          );
        }}
      </Loaded>
    </FormDialog>
  );
}

export function Labels({ at, reload }: { at: ModelAt; reload: () => void }) {
  const [adding, setAdding] = useState(false);
  const { busy, error, run } = useAction();
  const labels = at.artifact.labels ?? [];
  const mayAdd = can("addLabel", "ListLabels") && at.rights.may("artifact-label", "create");
  const mayRemove = can("removeLabel") && at.rights.may("artifact-label", "delete");
  if (labels.length === 0 && !mayAdd) return null;
  const remove = (id: number) =>
    run(async () => {
      await ask(api.DELETE(`${LABELS}/{label_id}`, {
        params: { path: { ...pathOf(at), reference: at.reference, label_id: id } },
      }));
      say(t("model.labelRemoved"));
      reload();
    });
  return (
    <div class="chips labels" role="group" aria-label={t("model.labels")}>
      {labels.map(({ id, ...l }) => (
        <span class="label" key={id}>
          <Chip color={l.color ?? "transparent"} title={l.description ?? undefined} href={link("/", { label: l.name ?? "" })}>
            {l.name}
          </Chip>
          {mayRemove && id && (
            <button type="button" class="btn btn-sm btn-x" disabled={busy} onClick={() => void remove(id)}
              aria-label={t("model.removeLabel", { name: l.name ?? "" })} title={t("model.removeLabel", { name: l.name ?? "" })}>
              <Icon name="close" />
            </button>
          )}
        </span>
      ))}
      {mayAdd && (
        <button type="button" class="btn btn-sm btn-link p-0" onClick={() => setAdding(true)}>
          <Icon name="plus" /> {t("model.addLabel")}
        </button>
      )}
      {error !== undefined && <Failure error={error} />}
      {adding && <LabelDialog at={at} artifact={at.artifact} onClose={() => setAdding(false)} done={reload} />}
    </div>
  );
}
