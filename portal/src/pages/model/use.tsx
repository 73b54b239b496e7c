// SPDX-License-Identifier: Apache-2.0
// "Use this model": commands to copy, for each client that can pull from this registry.
import { useState } from "preact/hooks";
import { t, type Key } from "../../i18n";
import { capabilities, info } from "../../lib/session";
import { useQuery } from "../../lib/url";
import { Command, Field } from "../../ui/basic";
import { Dialog } from "../../ui/dialog";
import { Icon } from "../../ui/icon";
import type { ModelAt } from "./at";
import { consumers, isServed, kindOf, whatOf } from "./commands";

/** What a person would want first: the largest file of weights, else the first. */
function firstFile(at: ModelAt): string {
  const files = (at.model?.files ?? []).filter((f) => isServed(at, f));
  const weights = files.filter((f) => f.kind === "weight").sort((a, b) => (b.size ?? 0) - (a.size ?? 0));
  return (weights[0] ?? files[0])?.file ?? "";
}

function UseDialog({ at, onClose }: { at: ModelAt; onClose: () => void }) {
  const query = useQuery();
  const tags = (at.artifact.tags ?? []).map((tag) => tag.name ?? "");
  const [tag, setTag] = useState(tags.includes(query.one("tag")) ? query.one("tag") : (tags[0] ?? ""));
  const all = consumers(capabilities.value.consumers ?? [], kindOf(at));
  const [open, setOpen] = useState(all[0]?.id ?? "");
  const [file, setFile] = useState(() => firstFile(at));
  const what = whatOf(at, tag, file);
  const chosen = all.find((c) => c.id === open);
  const files = (at.model?.files ?? []).filter((f) => isServed(at, f));
  return (
    <Dialog wide title={t(kindOf(at) === "model" ? "model.use" : "model.useOther")} onClose={onClose}>
      <div class="dialog-body use">
        <div class="use-head">
          <div class="btn-group" role="group" aria-label={t("model.use")}>
            {all.map(({ id, consumer }) => (
              <button type="button" key={id} class={`btn btn-sm btn-outline-secondary ${id === open ? "active" : ""}`}
                aria-pressed={id === open} onClick={() => setOpen(id)}>{consumer.name}</button>
            ))}
          </div>
          <label class="use-pin">
            <span>{t("model.version")}</span>
            <select class="form-select form-select-sm" value={tag} onChange={(e) => setTag(e.currentTarget.value)}>
              {tags.map((one) => <option key={one} value={one}>{one}</option>)}
              <option value="">{t("model.pinned")}</option>
            </select>
          </label>
        </div>
        {chosen && <p class="text-body-secondary">{t(`model.use.${open}` as Key)}</p>}
        {open === "http" && files.length > 0 && (
          <Field label={t("model.file")}>
            {(a) => (
              <select {...a} class="form-select" value={file} onChange={(e) => setFile(e.currentTarget.value)}>
                {files.map((f) => <option key={f.file} value={f.file ?? ""}>{f.file}</option>)}
              </select>
            )}
          </Field>
        )}
        {chosen?.consumer.commands(what).map((text) => <Command key={text} text={text} />)}
        {open === "http" && files.length === 0 && <p>{t("model.use.noFile")}</p>}
        <p class="form-text">
          {t("model.use.login")} <code>{open === "kubernetes" ? "imagePullSecrets" : `haven login ${info.value.registry_url || location.host}`}</code>
        </p>
      </div>
    </Dialog>
  );
}

export function UseModel({ at }: { at: ModelAt }) {
  const [open, setOpen] = useState(false);
  if (consumers(capabilities.value.consumers ?? [], kindOf(at)).length === 0) return null;
  return (
    <>
      <button type="button" class="btn btn-primary" onClick={() => setOpen(true)}>
        <Icon name="download" /> {t(kindOf(at) === "model" ? "model.use" : "model.useOther")}
      </button>
      {open && <UseDialog at={at} onClose={() => setOpen(false)} />}
    </>
  );
}
