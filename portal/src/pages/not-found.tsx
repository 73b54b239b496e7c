// SPDX-License-Identifier: Apache-2.0
import { t } from "../i18n";
import { BASE } from "../lib/url";
import { Empty, Page } from "../ui/basic";

export function NotFound() {
  return (
    <Page title={t("notFound.title")}>
      <Empty icon="search">
        {t("notFound.text")} <a href={`${BASE}/`}>{t("nav.discover")}</a>
      </Empty>
    </Page>
  );
}
