// SPDX-License-Identifier: Apache-2.0
import { useLocation } from "preact-iso";
import { useLayoutEffect } from "preact/hooks";
import { t } from "../i18n";
import { ended, info, user } from "../lib/session";
import { BASE, link, useQuery } from "../lib/url";
import { Page } from "../ui/basic";
import { SignInForm } from "../ui/sign-in-form";

/** Where to go afterwards: only inside of the portal. */
export function target(next: string): string {
  return next.startsWith(`${BASE}/`) && !next.startsWith(link("/sign-in")) ? next : `${BASE}/`;
}

export default function SignIn() {
  const { route } = useLocation();
  const next = target(useQuery().one("next"));
  // Before anything of it is painted: nobody sees the form with somebody signed in.
  useLayoutEffect(() => {
    // Who comes here because a session ended is nobody until they have signed in.
    if (ended.value) {
      user.value = null;
      ended.value = false;
    } else if (user.value) route(next, true);
  }, [user.value]);
  return (
    <Page title={t("signIn")}>
      <div class="card card-body narrow">
        <SignInForm />
        {info.value.self_registration && <a class="mt-3" href={link("/sign-up", { next })}>{t("signUp.lead")}</a>}
      </div>
    </Page>
  );
}
