// SPDX-License-Identifier: Apache-2.0
// What everybody does for their own account.
import type { ComponentType } from "preact";
import { useRoute } from "preact-iso";
import { t, type Key } from "../../i18n";
import { later } from "../../lib/later";
import { can, user } from "../../lib/session";
import { link } from "../../lib/url";
import { Page } from "../../ui/basic";
import type { IconName } from "../../ui/icon";
import { SignInForm } from "../../ui/sign-in-form";
import { WithSide } from "../../ui/side";
import { NotFound } from "../not-found";

const areas: { id: string; title: Key; lead: Key; icon: IconName; needs: string[]; component: ComponentType }[] = [
  { id: "", title: "account.title", lead: "account.lead", icon: "person", needs: [], component: later(() => import("./profile")) },
  { id: "tokens", title: "tokens.title", lead: "tokens.lead", icon: "key", needs: ["listPersonalTokens"],
    component: later(() => import("./tokens")) },
  { id: "sessions", title: "sessions.title", lead: "sessions.lead", icon: "lock", needs: ["listSessions"],
    component: later(() => import("./sessions")) },
];

export default function Account() {
  const wanted = useRoute().params.area ?? "";
  const shown = areas.filter((a) => can(...a.needs));
  const area = shown.find((a) => a.id === wanted);
  if (!area) return <NotFound />;
  // Here there is nothing to see for nobody: the sign-in stands in its place.
  if (!user.value)
    return (
      <Page title={t("signIn")} lead={t("account.signIn")}>
        <div class="card card-body narrow"><SignInForm /></div>
      </Page>
    );
  const Area = area.component;
  return (
    <Page title={t(area.title)} lead={t(area.lead)}>
      <WithSide label={t("account.areas")} open={area.id}
        links={shown.map((a) => ({ id: a.id, icon: a.icon, text: t(a.title), href: link(`/account${a.id && `/${a.id}`}`) }))}>
        <Area key={area.id} />
      </WithSide>
    </Page>
  );
}
