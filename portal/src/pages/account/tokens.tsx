// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { api, ask, type Schemas } from "../../api/client";
import { t, type Key } from "../../i18n";
import { can, user } from "../../lib/session";
import { Command, Copy } from "../../ui/basic";
import { Dialog, FormDialog } from "../../ui/dialog";
import { CheckedField } from "../../ui/field-errors";
import { Icon } from "../../ui/icon";
import { Tokens, useTokens } from "../../parts/people";

type Created = Schemas["PersonalTokenCreated"];
const SCOPES = ["read", "write", "all"] as const;
const DAYS = ["7", "30", "90", "365", "0"];

function Create({ userId, onClose, done }: { userId: number; onClose: () => void; done: (made: Created) => void }) {
  const [name, setName] = useState("");
  const [scope, setScope] = useState<string>("read");
  const [days, setDays] = useState("30");
  const [custom, setCustom] = useState("");
  const submit = async () => {
    const duration = Number(days === "custom" ? custom : days);
    done(await ask(api.POST("/api/v2.0/users/{user_id}/tokens", {
      params: { path: { user_id: userId } }, body: { name: name.trim(), scope, duration },
    })));
  };
  return (
    <FormDialog title={t("tokens.create")} action={t("create")} submit={submit} onClose={onClose} fields={["name", "duration"]}>
      {(error) => (
        <>
          <CheckedField name="name" label={t("name")} hint={t("tokens.name.hint")} error={error}>
            {(a) => <input {...a} class={`form-control ${a.class}`} required maxLength={255} autofocus autocomplete="off" value={name}
              onInput={(e) => setName(e.currentTarget.value)} />}
          </CheckedField>
          <fieldset class="mb-3">
            <legend class="form-label fs-6">{t("tokens.scope")}</legend>
            {SCOPES.map((s) => (
              <label class="form-check" key={s}>
                <input class="form-check-input" type="radio" name="scope" value={s} checked={scope === s} onChange={() => setScope(s)} />
                <span class="form-check-label">
                  <strong>{t(`tokens.scope.${s}`)}</strong><br />
                  <span class="form-text">{t(`tokens.scope.${s}.text` as Key)}</span>
                </span>
              </label>
            ))}
          </fieldset>
          <CheckedField name="duration" label={t("tokens.duration")} error={error}
            hint={days === "0" ? <span class="text-danger-emphasis">{t("tokens.forever.hint")}</span> : undefined}>
            {(a) => (
              <div class="input-group">
                <select {...a} class={`form-select ${a.class}`} value={days} onChange={(e) => setDays(e.currentTarget.value)}>
                  {DAYS.map((d) => <option key={d} value={d}>{d === "0" ? t("tokens.forever") : t("days", { n: Number(d) })}</option>)}
                  <option value="custom">{t("tokens.custom")}</option>
                </select>
                {days === "custom" && (
                  <input class="form-control" type="number" min="1" max="3650" required value={custom} aria-label={t("tokens.days")}
                    onInput={(e) => setCustom(e.currentTarget.value)} />
                )}
              </div>
            )}
          </CheckedField>
        </>
      )}
    </FormDialog>
  );
}

/** Shown once: closed by a button, not by a slip of the keyboard. */
function Secret({ made, onClose }: { made: Created; onClose: () => void }) {
  return (
    <Dialog title={t("tokens.made", { name: made.name ?? "" })} onClose={onClose}>
      <div class="dialog-body">
        <div class="alert alert-warning">{t("tokens.once")}</div>
        <div class="command">
          <pre tabIndex={0}>{made.token}</pre>
          <Copy text={made.token ?? ""} label={t("tokens.copy")} />
        </div>
        <p class="mt-3 mb-1">{t("tokens.use")}</p>
        <Command text={`haven login ${location.host} -u ${user.value?.username ?? ""}`} />
      </div>
      <div class="dialog-foot">
        <button type="button" class="btn btn-primary" onClick={onClose}>{t("tokens.stored")}</button>
      </div>
    </Dialog>
  );
}

export default function TokensPage() {
  const userId = user.value?.user_id ?? 0;
  const load = useTokens(userId);
  const [creating, setCreating] = useState(false);
  const [made, setMade] = useState<Created>();
  return (
    <>
      {can("createPersonalToken") && (
        <div class="toolbar">
          <span class="end">
            <button type="button" class="btn btn-primary" onClick={() => setCreating(true)}>
              <Icon name="plus" /> {t("tokens.create")}
            </button>
          </span>
        </div>
      )}
      <Tokens userId={userId} load={load} />
      {creating && (
        <Create userId={userId} onClose={() => setCreating(false)} done={(m) => {
          setMade(m);
          load.reload();
        }} />
      )}
      {made && <Secret made={made} onClose={() => setMade(undefined)} />}
    </>
  );
}
