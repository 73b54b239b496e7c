// SPDX-License-Identifier: Apache-2.0
// What is wrong with a model, and what is not known of it yet.
import type { Schemas } from "../../api/client";
import { t } from "../../i18n";
import { Icon } from "../../ui/icon";
import type { ModelAt } from "./at";

/** Nothing when it was read. */
export function Waiting({ model }: { model: Schemas["Model"] }) {
  if (model.state === "read") return null;
  if (model.state === "failed")
    return (
      <div class="alert alert-danger" role="alert">
        <strong>{t("model.failed")}</strong> {model.error}
        <div class="small">{t("model.failedHelp", { n: model.attempts ?? 1 })}</div>
      </div>
    );
  return (
    <div class="alert alert-info d-flex gap-2 align-items-baseline" role="status">
      <span class="spinner-border spinner-border-sm" aria-hidden="true" />
      <div>
        {t(model.state === "waiting" ? "model.waiting" : "model.unread")}
        {model.error && <div class="small">{t("model.tried", { n: model.attempts ?? 1, error: model.error })}</div>}
      </div>
    </div>
  );
}

export function Findings({ at }: { at: ModelAt }) {
  const warnings = at.model?.warnings ?? [];
  if (warnings.length === 0) return null;
  return (
    <details class="findings" id="findings">
      <summary>
        <Icon name="exclamation" /> {t("model.findings", { n: warnings.length })}
      </summary>
      <ul>
        {warnings.map((text) => <li key={text}>{text}</li>)}
      </ul>
    </details>
  );
}
