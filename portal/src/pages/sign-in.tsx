// SPDX-License-Identifier: Apache-2.0
import { useLocation } from "preact-iso";
import { useEffect } from "preact/hooks";
import { ApiError } from "../api/client";
import { t } from "../i18n";
import { useAction } from "../lib/load";
import { info, signIn, user } from "../lib/session";
import { BASE, link, useQuery } from "../lib/url";
import { Failure, Field, Page } from "../ui/basic";

/** Where to go afterwards: only inside of the portal. */
function target(next: string): string {
  return next.startsWith(`${BASE}/`) && !next.startsWith(link("/sign-in")) ? next : `${BASE}/`;
}

export default function SignIn() {
  const { route } = useLocation();
  const next = target(useQuery().one("next"));
  const { busy, error, run } = useAction();
  useEffect(() => {
    if (user.value) route(next, true);
  }, [user.value]);
  const submit = (e: Event) => {
    e.preventDefault();
    const form = new FormData(e.currentTarget as HTMLFormElement);
    void run(() => signIn(String(form.get("principal")), String(form.get("password"))));
  };
  const refused = error instanceof ApiError && error.status === 401;
  return (
    <Page title={t("signIn")}>
      <form class="card card-body narrow" onSubmit={submit}>
        {refused && <div class="alert alert-danger" role="alert">{t("signIn.refused")}</div>}
        {error !== undefined && !refused && <Failure error={error} />}
        <Field label={t("signIn.principal")}>
          {(a) => <input {...a} class="form-control" name="principal" autocomplete="username" required autofocus />}
        </Field>
        <Field label={t("signIn.password")}>
          {(a) => <input {...a} class="form-control" name="password" type="password" autocomplete="current-password" required />}
        </Field>
        <button type="submit" class="btn btn-primary" disabled={busy}>{t("signIn")}</button>
        {info.value.self_registration && <a class="mt-3" href={link("/sign-up")}>{t("signUp.lead")}</a>}
      </form>
    </Page>
  );
}
