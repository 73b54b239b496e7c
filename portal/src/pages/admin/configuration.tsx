// SPDX-License-Identifier: Apache-2.0
// The settings of the system: every one that the server gives, in groups; what it does not let change is shown so.
import { useState } from "preact/hooks";
import { api, ask, type Schemas } from "../../api/client";
import { t } from "../../i18n";
import { useAction, useLoad } from "../../lib/load";
import { can, refreshInfo } from "../../lib/session";
import { Loaded } from "../../ui/basic";
import { Confirm } from "../../ui/dialog";
import { FormFailure } from "../../ui/field-errors";
import { Section } from "../../ui/section";
import { say } from "../../ui/toast";
import { BannerEditor } from "./banner-editor";
import { Setting, type Value } from "./setting";

type Shown = Schemas["ConfigurationsResponse"];
type Wanted = Schemas["Configurations"];
export type Name = keyof Shown & keyof Wanted;

/** In the order in which they are shown; read_only and the banner have forms of their own. */
const GROUPS = {
  access: ["auth_mode", "self_registration", "session_timeout", "token_expiration"],
  projects: ["project_creation_restriction", "quota_per_project_enable", "storage_per_project"],
  robots: ["robot_name_prefix", "robot_token_duration"],
  audit: ["audit_log_forward_endpoint", "skip_audit_log_database", "disabled_audit_log_event_types"],
} as const;
const APART = ["read_only", "banner_message"];

interface Item {
  name: string;
  value: Value;
  editable: boolean;
}

function itemsOf(shown: Shown): Map<string, Item> {
  const items = new Map<string, Item>();
  for (const [name, item] of Object.entries(shown))
    if (item) items.set(name, { name, value: item.value ?? "", editable: item.editable === true && can("updateConfigurations") });
  return items;
}

function ReadOnly({ on, editable, done }: { on: boolean; editable: boolean; done: () => void }) {
  const [asking, setAsking] = useState(false);
  const turn = async () => {
    await ask(api.PUT("/api/v2.0/configurations", { body: { read_only: !on } }));
    await refreshInfo();
    say(t(on ? "config.writable.done" : "config.readOnly.done"));
    done();
  };
  return (
    <Section title={t("config.readOnly")} lead={t("config.readOnly.text")}>
      <div class="card card-body line">
        <span class="flex-grow-1"><strong>{t(on ? "config.readOnly.on" : "config.readOnly.off")}</strong></span>
        {editable && (
          <button type="button" class={`btn btn-sm ${on ? "btn-primary" : "btn-outline-danger"}`} onClick={() => setAsking(true)}>
            {t(on ? "config.readOnly.end" : "config.readOnly.begin")}
          </button>
        )}
      </div>
      {asking && (
        <Confirm title={t(on ? "config.readOnly.end" : "config.readOnly.begin")} action={t(on ? "config.readOnly.end" : "config.readOnly.begin")}
          loses={t(on ? "config.readOnly.end.text" : "config.readOnly.begin.text")} work={turn} onClose={() => setAsking(false)} />
      )}
    </Section>
  );
}

function Form({ shown, done }: { shown: Shown; done: () => void }) {
  const items = itemsOf(shown);
  const [changed, setChanged] = useState<Record<string, Value>>({});
  const { busy, error, run } = useAction();
  const named: string[] = Object.values(GROUPS).flat();
  const others = [...items.keys()].filter((n) => !named.includes(n) && !APART.includes(n));
  const groups: [string, readonly string[]][] = [...Object.entries(GROUPS), ...(others.length ? [["other", others] as [string, string[]]] : [])];
  const differs = Object.keys(changed).length;
  const change = (name: string, value: Value) => {
    const next = { ...changed, [name]: value };
    if (items.get(name)?.value === value) delete next[name];
    setChanged(next);
  };
  const submit = async (e: Event) => {
    e.preventDefault();
    const saved = await run(async () => {
      await ask(api.PUT("/api/v2.0/configurations", { body: changed as Wanted }));
      await refreshInfo();
    });
    if (!saved) return;
    setChanged({});
    say(t("saved"));
    done();
  };
  return (
    <form onSubmit={submit}>
      <FormFailure error={error} fields={[...items.keys()]} />
      {groups.map(([group, names]) => (
        <fieldset class="section" key={group}>
          <legend>{t(`config.group.${group}` as "config.group.other")}</legend>
          <div class="card card-body">
            {names.map((name) => {
              const item = items.get(name);
              return item && (
                <Setting key={name} name={name} value={changed[name] ?? item.value} editable={item.editable} error={error}
                  onChange={(v) => change(name, v)} />
              );
            })}
          </div>
        </fieldset>
      ))}
      {can("updateConfigurations") && (
        <div class={`save-bar ${differs ? "save-bar-open" : ""}`}>
          <button type="submit" class="btn btn-primary" disabled={busy || differs === 0}>{t("save")}</button>
          {differs > 0 && (
            <>
              <span class="text-body-secondary">{t("config.changed", { n: differs })}</span>
              <button type="button" class="btn btn-outline-secondary" onClick={() => setChanged({})}>{t("config.undo")}</button>
            </>
          )}
        </div>
      )}
    </form>
  );
}

export default function Configuration() {
  const load = useLoad((signal) => ask(api.GET("/api/v2.0/configurations", { signal })), []);
  return (
    <Loaded of={load}>
      {(shown) => (
        <>
          {shown.read_only && (
            <ReadOnly on={shown.read_only.value === true} done={load.reload}
              editable={shown.read_only.editable === true && can("updateConfigurations")} />
          )}
          {shown.banner_message && (
            <BannerEditor key={shown.banner_message.value ?? ""} text={shown.banner_message.value ?? ""} done={load.reload}
              editable={shown.banner_message.editable === true && can("updateConfigurations")} />
          )}
          <Form shown={shown} done={load.reload} />
        </>
      )}
    </Loaded>
  );
}
