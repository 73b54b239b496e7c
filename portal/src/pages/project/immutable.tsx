// SPDX-License-Identifier: Apache-2.0
// The rules that keep tags where they are.
import { useState } from "preact/hooks";
import { api, ask, askPage } from "../../api/client";
import { t } from "../../i18n";
import { useLoad } from "../../lib/load";
import { can } from "../../lib/session";
import { useQuery } from "../../lib/url";
import { paging } from "../../parts/scope";
import { State } from "../../parts/state";
import { Confirm } from "../../ui/dialog";
import { Icon } from "../../ui/icon";
import { RowButton } from "../../ui/row-button";
import { Pager, Table } from "../../ui/table";
import { say } from "../../ui/toast";
import type { Here } from "./context";
import { RuleForm, ruleBody, sentence, type Rule } from "./immutable-rule";

export function Immutable({ id, may }: Here) {
  const query = useQuery();
  const [edited, setEdited] = useState<Rule | "new">();
  const [doomed, setDoomed] = useState<Rule>();
  const load = useLoad(
    (signal) => askPage(api.GET("/api/v2.0/projects/{project}/immutabletagrules",
      { params: { path: { project: String(id) }, query: paging(query) }, signal })),
    [id, query.text],
  );
  const creates = can("CreateImmuRule") && may("immutable-tag", "create");
  const updates = can("UpdateImmuRule") && may("immutable-tag", "update");
  const deletes = can("DeleteImmuRule") && may("immutable-tag", "delete");
  const path = (rule: Rule) => ({ params: { path: { project: String(id), immutable_rule_id: rule.id ?? 0 } } });
  const pause = async (rule: Rule, disabled: boolean) => {
    try {
      await ask(api.PUT("/api/v2.0/projects/{project}/immutabletagrules/{immutable_rule_id}",
        { ...path(rule), body: { ...ruleBody(rule), disabled } }));
      say(t(disabled ? "immutable.paused" : "immutable.resumed"));
      load.reload();
    } catch (e) {
      say(e instanceof Error ? e.message : String(e));
    }
  };
  return (
    <>
      <div class="toolbar">
        <span class="text-body-secondary">{t("immutable.lead")}</span>
        {creates && (
          <span class="end">
            <button type="button" class="btn btn-primary" onClick={() => setEdited("new")}>
              <Icon name="plus" /> {t("immutable.create")}
            </button>
          </span>
        )}
      </div>
      <Table<Rule> load={load} caption={t("project.tab.immutable")} empty={t("immutable.none")} rowKey={(x) => x.id ?? 0}
        columns={[
          { title: t("immutable.rule"), cell: (x) => sentence(x) },
          { title: t("robot.state"), cell: (x) => x.disabled
            ? <State tone="idle" icon="pause" text={t("immutable.off")} />
            : <State tone="good" icon="lock" text={t("immutable.on")} /> },
        ]}
        {...(updates || deletes ? {
          actions: (x: Rule) => {
            const rule = sentence(x);
            return (
              <>
                {updates && <RowButton icon="pencil" label={t("immutable.edit.of", { rule })} onClick={() => setEdited(x)} />}
                {updates && (x.disabled
                  ? <RowButton icon="play" label={t("immutable.resume.of", { rule })} onClick={() => void pause(x, false)} />
                  : <RowButton icon="pause" label={t("immutable.pause.of", { rule })} onClick={() => void pause(x, true)} />)}
                {deletes && <RowButton icon="trash" danger label={t("immutable.delete.of", { rule })} onClick={() => setDoomed(x)} />}
              </>
            );
          },
        } : {})} />
      {load.data && <Pager total={load.data.total} />}
      {edited && (
        <RuleForm project={id} rule={edited === "new" ? undefined : edited} onSaved={load.reload}
          onClose={() => setEdited(undefined)} />
      )}
      {doomed && (
        <Confirm title={t("immutable.delete")} action={t("delete")} loses={t("immutable.delete.loses", { rule: sentence(doomed) })}
          work={async () => {
            await ask(api.DELETE("/api/v2.0/projects/{project}/immutabletagrules/{immutable_rule_id}", path(doomed)));
            say(t("immutable.deleted"));
            load.reload();
          }}
          onClose={() => setDoomed(undefined)} />
      )}
    </>
  );
}
