// SPDX-License-Identifier: Apache-2.0
// The administration of the system: one row for each area; what the server does not deliver is not there.
import { useLocation, useRoute } from "preact-iso";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { t, type Key } from "../../i18n";
import { later } from "../../lib/later";
import { can } from "../../lib/session";
import { link } from "../../lib/url";
import { Loading, Page } from "../../ui/basic";
import type { IconName } from "../../ui/icon";
import { WithSide } from "../../ui/side";
import { NotFound } from "../not-found";

/** `told`: the content says itself what it is about. */
const areas: { id: string; icon: IconName; needs: string[]; component: ComponentType; told?: boolean }[] = [
  { id: "users", icon: "person", needs: ["listUsers"], component: later(() => import("./users")) },
  { id: "groups", icon: "people", needs: ["listUserGroups"], component: later(() => import("./groups")) },
  { id: "robots", icon: "robot", needs: ["ListRobot"], component: later(() => import("./robots")), told: true },
  { id: "quotas", icon: "pie", needs: ["listQuotas"], component: later(() => import("./quotas")) },
  { id: "labels", icon: "tags", needs: ["ListLabels"], component: later(() => import("./labels")), told: true },
  { id: "collection", icon: "recycle", needs: ["getGCHistory"], component: later(() => import("./collection")) },
  { id: "audit", icon: "journal", needs: ["listAuditLogExts"], component: later(() => import("./audit")) },
  { id: "configuration", icon: "gear", needs: ["getConfigurations"], component: later(() => import("./configuration")) },
  { id: "jobs", icon: "cpu", needs: ["listJobQueues"], component: later(() => import("./jobs")) },
  { id: "health", icon: "heart", needs: ["getHealth"], component: later(() => import("./health")) },
];

export default function Admin() {
  const { route } = useLocation();
  const wanted = useRoute().params.area ?? "";
  const shown = areas.filter((a) => can(...a.needs));
  const area = shown.find((a) => a.id === wanted);
  const first = shown[0]?.id;
  useEffect(() => {
    if (!wanted && first) route(link(`/admin/${first}`), true);
  }, [wanted, first]);
  if (!area) return wanted ? <NotFound /> : <Loading />;
  const Area = area.component;
  const title = t(`admin.${area.id}` as Key);
  return (
    <Page title={`${title} · ${t("nav.admin")}`} heading={title} lead={area.told ? undefined : t(`admin.${area.id}.lead` as Key)}>
      <WithSide label={t("admin.areas")} open={area.id}
        links={shown.map((a) => ({ id: a.id, icon: a.icon, text: t(`admin.${a.id}` as Key), href: link(`/admin/${a.id}`) }))}>
        <Area key={area.id} />
      </WithSide>
    </Page>
  );
}
