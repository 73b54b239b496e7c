// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { api, ask } from "../../api/client";
import { t } from "../../i18n";
import { isAdmin } from "../../lib/session";
import { VisibilityChoice } from "../../parts/visibility";
import { Field } from "../../ui/basic";
import { FormDialog } from "../../ui/dialog";
import { SizeInput } from "../../ui/size";
import { say } from "../../ui/toast";

/** A name whose reference differs by its case alone; what others become, the server knows. */
const PLAIN = /^[A-Za-z0-9]+(?:(?:[._]|__|-+)[A-Za-z0-9]+)*$/;

function NameRules() {
  return (
    <details class="name-rules mb-3">
      <summary>{t("projects.name.rules")}</summary>
      <ul>
        <li>{t("projects.name.rules.case")}</li>
        <li>{t("projects.name.rules.escape")}</li>
        <li>{t("projects.name.rules.fixed")}</li>
      </ul>
    </details>
  );
}

/** `onMade` is given the name that was asked for. */
export function CreateProject({ host, onMade, onClose }: {
  host: string;
  onMade: (name: string) => void;
  onClose: () => void;
}) {
  const [name, setName] = useState("");
  const [isPublic, setPublic] = useState(false);
  const [limited, setLimited] = useState(false);
  const [limit, setLimit] = useState<number | undefined>(-1);
  const wanted = name.trim();
  const submit = async () => {
    await ask(api.POST("/api/v2.0/projects", {
      body: {
        project_name: wanted,
        metadata: { public: isPublic ? "true" : "false" },
        ...(limited && limit !== undefined ? { storage_limit: limit } : {}),
      },
    }));
    say(t("projects.created", { name: wanted }));
    onMade(wanted);
  };
  return (
    <FormDialog title={t("projects.create")} action={t("create")} submit={submit} onClose={onClose}
      disabled={wanted === "" || (limited && (limit === undefined || limit === 0))}>
      <Field label={t("name")} hint={
        <>
          {t("projects.name.hint")}
          {PLAIN.test(wanted) && wanted !== wanted.toLowerCase() && (
            <strong class="d-block">{t("projects.name.becomes", { name: `${host}/${wanted.toLowerCase()}/` })}</strong>
          )}
        </>
      }>
        {(a) => <input {...a} class="form-control" value={name} required autofocus autocomplete="off" spellcheck={false}
          maxLength={255} onInput={(e) => setName(e.currentTarget.value)} />}
      </Field>
      <NameRules />
      <VisibilityChoice isPublic={isPublic} onChange={setPublic} />
      {isAdmin() && (
        <>
          <div class="form-check mb-2">
            <label class="form-check-label">
              <input type="checkbox" class="form-check-input" checked={limited} onChange={(e) => setLimited(e.currentTarget.checked)} />
              {t("projects.quota.own")}
            </label>
            <div class="form-text mt-0">{t("projects.quota.hint")}</div>
          </div>
          {limited && (
            <Field label={t("projects.quota")}>
              {(a) => <SizeInput id={a.id} value={-1} onChange={setLimit} />}
            </Field>
          )}
        </>
      )}
    </FormDialog>
  );
}
