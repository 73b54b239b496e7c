// SPDX-License-Identifier: Apache-2.0
// A rule for immutable tags: in plain words, and as a form.
import { useState } from "preact/hooks";
import { api, ask, type Schemas } from "../../api/client";
import { t } from "../../i18n";
import { Field } from "../../ui/basic";
import { FormDialog } from "../../ui/dialog";
import { say } from "../../ui/toast";

export type Rule = Schemas["ImmutableRule"];
type Selector = Schemas["ImmutableSelector"];

/** The whole sentence: "In repositories that match llm/**, tags that match v* cannot be moved or deleted." */
export function sentence(rule: Rule): string {
  const part = (kind: "repo" | "tag", selectors: Selector[]) => {
    const texts = selectors.map((s) => {
      const excludes = (s.decoration ?? "").toLowerCase().endsWith("excludes");
      if (s.pattern === "**" && !excludes) return t(`immutable.${kind}.all`);
      return t(`immutable.${kind}.${excludes ? "excludes" : "matches"}`, { pattern: s.pattern ?? "" });
    });
    return texts.join(` ${t("immutable.and")} `);
  };
  const where = part("repo", rule.scope_selectors?.repository ?? []);
  const which = part("tag", rule.tag_selectors ?? []);
  return where.endsWith("，") ? where + which : `${where}, ${which}`;
}

export function ruleBody(rule: Rule): Rule {
  return {
    disabled: rule.disabled ?? false, priority: rule.priority ?? 0, action: "immutable", template: "immutable_template",
    tag_selectors: rule.tag_selectors ?? [], scope_selectors: rule.scope_selectors ?? null,
  };
}

function Part({ legend, pattern, excludes, onChange }: {
  legend: string;
  pattern: string;
  excludes: boolean;
  onChange: (pattern: string, excludes: boolean) => void;
}) {
  return (
    <fieldset class="rule-part">
      <legend>{legend}</legend>
      <select class="form-select mb-2" aria-label={legend} value={String(excludes)}
        onChange={(e) => onChange(pattern, e.currentTarget.value === "true")}>
        <option value="false">{t("immutable.matches")}</option>
        <option value="true">{t("immutable.excludes")}</option>
      </select>
      <Field label={t("immutable.pattern")}>
        {(a) => <input {...a} class="form-control" value={pattern} required autocomplete="off" spellcheck={false}
          onInput={(e) => onChange(e.currentTarget.value, excludes)} />}
      </Field>
    </fieldset>
  );
}

function first(selectors: Selector[] | null | undefined, pattern: string): { pattern: string; excludes: boolean } {
  const one = selectors?.[0];
  return { pattern: one?.pattern ?? pattern, excludes: (one?.decoration ?? "").toLowerCase().endsWith("excludes") };
}

export function RuleForm({ project, rule, onSaved, onClose }: {
  project: number;
  /** The one to change; without it a new one is made. */
  rule?: Rule | undefined;
  onSaved: () => void;
  onClose: () => void;
}) {
  const [repositories, setRepositories] = useState(() => first(rule?.scope_selectors?.repository, "**"));
  const [tags, setTags] = useState(() => first(rule?.tag_selectors, "v*"));
  // The API takes several selectors; those behind the first are kept as they are.
  const made: Rule = ruleBody({
    ...rule,
    scope_selectors: { repository: [
      { kind: "doublestar", decoration: repositories.excludes ? "repoExcludes" : "repoMatches", pattern: repositories.pattern.trim() },
      ...(rule?.scope_selectors?.repository ?? []).slice(1),
    ] },
    tag_selectors: [
      { kind: "doublestar", decoration: tags.excludes ? "excludes" : "matches", pattern: tags.pattern.trim() },
      ...(rule?.tag_selectors ?? []).slice(1),
    ],
  });
  const submit = async () => {
    const path = { project: String(project) };
    if (rule)
      await ask(api.PUT("/api/v2.0/projects/{project}/immutabletagrules/{immutable_rule_id}", {
        params: { path: { ...path, immutable_rule_id: rule.id ?? 0 } }, body: made,
      }));
    else await ask(api.POST("/api/v2.0/projects/{project}/immutabletagrules", { params: { path }, body: made }));
    say(t(rule ? "immutable.saved" : "immutable.created"));
    onSaved();
  };
  return (
    <FormDialog title={t(rule ? "immutable.edit" : "immutable.create")} action={t(rule ? "save" : "create")} submit={submit}
      onClose={onClose} disabled={repositories.pattern.trim() === "" || tags.pattern.trim() === ""}>
      <Part legend={t("immutable.repositories")} {...repositories}
        onChange={(pattern, excludes) => setRepositories({ pattern, excludes })} />
      <Part legend={t("immutable.tags")} {...tags} onChange={(pattern, excludes) => setTags({ pattern, excludes })} />
      <p class="form-text">{t("immutable.hint")}</p>
      <p class="rule-words" aria-live="polite"><strong>{t("immutable.preview")}:</strong> {sentence(made)}</p>
    </FormDialog>
  );
}
