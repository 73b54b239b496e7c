// SPDX-License-Identifier: Apache-2.0
// People make their own account, where the operator allows it.
import { useLocation } from "preact-iso";
import { useLayoutEffect, useState } from "preact/hooks";
import { api, ask } from "../api/client";
import { t } from "../i18n";
import { useAction } from "../lib/load";
import { info, signIn, user } from "../lib/session";
import { BASE, link, useQuery } from "../lib/url";
import { Page } from "../ui/basic";
import { CheckedField, FormFailure } from "../ui/field-errors";
import { isGood, noPassword, PasswordFields } from "../ui/password";
import { NotFound } from "./not-found";
import { target } from "./sign-in";

export default function SignUp() {
  const { route } = useLocation();
  const next = target(useQuery().one("next"));
  const [username, setUsername] = useState("");
  const [email, setEmail] = useState("");
  const [realname, setRealname] = useState("");
  const [password, setPassword] = useState(noPassword);
  const { busy, error, run } = useAction();
  useLayoutEffect(() => {
    if (user.value) route(next, true);
  }, [user.value]);
  if (!info.value.self_registration) return <NotFound />;
  const submit = (e: Event) => {
    e.preventDefault();
    void run(async () => {
      await ask(api.POST("/api/v2.0/users", {
        body: { username: username.trim(), email: email.trim(), realname: realname.trim(), password: password.first },
      }));
      await signIn(username.trim(), password.first);
    });
  };
  return (
    <Page title={t("signUp.title")} lead={t("signUp.text")}>
      <form class="card card-body narrow" onSubmit={submit}>
        <FormFailure error={error} fields={["username", "email", "realname"]} />
        <CheckedField name="username" label={t("user.username")} hint={t("user.username.hint")} error={error}>
          {(a) => <input {...a} class={`form-control ${a.class}`} required maxLength={255} autocomplete="username" autofocus
            value={username} onInput={(e) => setUsername(e.currentTarget.value)} />}
        </CheckedField>
        <CheckedField name="email" label={t("user.email")} error={error}>
          {(a) => <input {...a} class={`form-control ${a.class}`} type="email" required autocomplete="email" value={email}
            onInput={(e) => setEmail(e.currentTarget.value)} />}
        </CheckedField>
        <CheckedField name="realname" label={t("user.realname")} error={error}>
          {(a) => <input {...a} class={`form-control ${a.class}`} autocomplete="name" value={realname}
            onInput={(e) => setRealname(e.currentTarget.value)} />}
        </CheckedField>
        <PasswordFields value={password} onChange={setPassword} label={t("signIn.password")} />
        <button type="submit" class="btn btn-primary" disabled={busy || !isGood(password)}>{t("signUp.action")}</button>
        <a class="mt-3" href={link("/sign-in", { next: next === `${BASE}/` ? "" : next })}>{t("signUp.have")}</a>
      </form>
    </Page>
  );
}
