// SPDX-License-Identifier: Apache-2.0
// What everybody is told at the top of every page.
import { useState } from "preact/hooks";
import { api, ask } from "../../api/client";
import { t, type Key } from "../../i18n";
import { useAction } from "../../lib/load";
import { refreshInfo } from "../../lib/session";
import { Banner, KINDS, readBanner, writeBanner, type Kind } from "../../ui/banner";
import { CheckedField, FormFailure } from "../../ui/field-errors";
import { Section } from "../../ui/section";
import { say } from "../../ui/toast";

const NAME = "banner_message";

export function BannerEditor({ text, editable, done }: { text: string; editable: boolean; done: () => void }) {
  const [said, setSaid] = useState(() => readBanner(text));
  const { busy, error, run } = useAction();
  const next = writeBanner(said);
  const put = async (banner: string) => {
    const saved = await run(async () => {
      await ask(api.PUT("/api/v2.0/configurations", { body: { banner_message: banner } }));
      await refreshInfo();
    });
    if (!saved) return;
    say(t(banner ? "banner.shown" : "banner.gone"));
    done();
  };
  const submit = (e: Event) => {
    e.preventDefault();
    void put(next);
  };
  return (
    <Section title={t("banner.title")} lead={t("banner.lead")}>
      <form class="card card-body" onSubmit={submit}>
        <FormFailure error={error} fields={[NAME]} />
        <CheckedField name={NAME} label={t("banner.message")} error={error}>
          {(a) => <textarea {...a} class={`form-control ${a.class}`} rows={2} maxLength={4000} readOnly={!editable} value={said.message}
            onInput={(e) => setSaid({ ...said, message: e.currentTarget.value })} />}
        </CheckedField>
        <CheckedField name="type" label={t("banner.kind")} error={error}>
          {(a) => (
            <select {...a} class="form-select short" disabled={!editable} value={said.kind}
              onChange={(e) => setSaid({ ...said, kind: (KINDS.find((k) => k === e.currentTarget.value) ?? "info") satisfies Kind })}>
              {KINDS.map((k) => <option key={k} value={k}>{t(`banner.kind.${k}` as Key)}</option>)}
            </select>
          )}
        </CheckedField>
        {said.message.trim() && <div><div class="form-label">{t("banner.preview")}</div><Banner text={next} /></div>}
        {editable && (
          <div class="d-flex gap-2">
            <button type="submit" class="btn btn-primary" disabled={busy || next === text}>{t("save")}</button>
            {text && (
              <button type="button" class="btn btn-outline-secondary" disabled={busy} onClick={() => put("")}>{t("banner.remove")}</button>
            )}
          </div>
        )}
      </form>
    </Section>
  );
}
