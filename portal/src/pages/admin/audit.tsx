// SPDX-License-Identifier: Apache-2.0
// What was done, by whom and from where; and how old entries go.
import { t } from "../../i18n";
import { can } from "../../lib/session";
import { link, useQuery } from "../../lib/url";
import { AuditLog } from "../../parts/audit-log";
import { Tabs } from "../../ui/basic";
import Purge from "./purge";

export default function Audit() {
  const purge = useQuery().one("tab") === "purge" && can("getPurgeHistory");
  return (
    <>
      {can("getPurgeHistory") && (
        <Tabs label={t("admin.audit")} open={purge ? "purge" : ""} tabs={[
          { id: "", text: t("audit.entries"), href: link("/admin/audit") },
          { id: "purge", text: t("purge.tab"), href: link("/admin/audit", { tab: "purge" }) },
        ]} />
      )}
      {purge ? <Purge /> : <AuditLog scope="system" />}
    </>
  );
}
