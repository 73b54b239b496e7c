// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { api, ask, askPage, type Schemas } from "../../api/client";
import { t, type Key } from "../../i18n";
import { useAction, useLoad } from "../../lib/load";
import { can, refreshUser, signIn, user, type User } from "../../lib/session";
import { pageOf, projectLink, useQuery } from "../../lib/url";
import { Chip, Failure, Field } from "../../ui/basic";
import { FormFailure } from "../../ui/field-errors";
import { PROFILE_FIELDS, ProfileFields, profileOf } from "../../parts/profile";
import { isGood, noPassword, PasswordFields } from "../../ui/password";
import { Section } from "../../ui/section";
import { Pager, PAGE_SIZE, Table } from "../../ui/table";
import { say } from "../../ui/toast";

function Profile({ who }: { who: User }) {
  const { busy, error, run } = useAction();
  const submit = async (e: Event) => {
    e.preventDefault();
    const body = profileOf(e.currentTarget as HTMLFormElement);
    const done = await run(async () => {
      await ask(api.PUT("/api/v2.0/users/{user_id}", { params: { path: { user_id: who.user_id ?? 0 } }, body }));
      await refreshUser();
    });
    if (done) say(t("saved"));
  };
  return (
    <form class="card card-body" onSubmit={submit}>
      <FormFailure error={error} fields={PROFILE_FIELDS} />
      <Field label={t("user.username")} hint={t("user.username.fixed")}>
        {(a) => <input {...a} class="form-control" readOnly autocomplete="username" value={who.username ?? ""} />}
      </Field>
      <ProfileFields who={who} error={error} />
      <div><button type="submit" class="btn btn-primary" disabled={busy}>{t("save")}</button></div>
    </form>
  );
}

function Password({ who }: { who: User }) {
  const [old, setOld] = useState("");
  const [next, setNext] = useState(noPassword);
  const { busy, error, run } = useAction();
  const submit = async (e: Event) => {
    e.preventDefault();
    const done = await run(async () => {
      await ask(api.PUT("/api/v2.0/users/{user_id}/password", {
        params: { path: { user_id: who.user_id ?? 0 } },
        body: { old_password: old, new_password: next.first },
      }));
      // A new password ends every session, this one, too.
      await signIn(who.username ?? "", next.first);
    });
    if (!done) return;
    setOld("");
    setNext(noPassword);
    say(t("password.changed"));
  };
  return (
    <form class="card card-body" onSubmit={submit}>
      {error !== undefined && <Failure error={error} />}
      <input class="visually-hidden" type="text" autocomplete="username" value={who.username ?? ""} readOnly tabIndex={-1} aria-hidden="true" />
      <Field label={t("password.old")}>
        {(a) => <input {...a} class="form-control" type="password" autocomplete="current-password" required value={old}
          onInput={(e) => setOld(e.currentTarget.value)} />}
      </Field>
      <PasswordFields value={next} onChange={setNext} label={t("password.new")} />
      <p class="form-text">{t("password.effect")}</p>
      <div>
        <button type="submit" class="btn btn-primary" disabled={busy || !old || !isGood(next)}>{t("password.change")}</button>
      </div>
    </form>
  );
}

const ROLES: Record<number, Key> = {
  1: "role.projectAdmin", 2: "role.developer", 3: "role.guest", 4: "role.maintainer", 5: "role.limitedGuest",
};

type Project = Schemas["Project"];

/** The projects in which one has a role; public ones that everybody sees are not among them. */
function Roles({ who }: { who: User }) {
  const query = useQuery();
  const page = pageOf(query);
  const sort = query.one("sort");
  const load = useLoad(
    (signal) => askPage(api.GET("/api/v2.0/projects", {
      params: { query: { q: "role={1 2 3 4 5}", page, page_size: PAGE_SIZE, ...(sort ? { sort } : {}) } }, signal,
    })),
    [who.user_id, page, sort],
  );
  return (
    <>
      <Table<Project> load={load} caption={t("account.roles")} empty={t("account.roles.none")} rowKey={(p) => p.project_id ?? 0}
        columns={[
          { title: t("project"), sort: "name", cell: (p) => <a href={projectLink(p.name ?? "")}>{p.display_name ?? p.name}</a> },
          { title: t("role"), cell: (p) => (
            <span class="chips">
              {(p.current_user_role_ids ?? []).map((r) => <Chip key={r}>{ROLES[r] ? t(ROLES[r]) : r}</Chip>)}
            </span>
          ) },
        ]} />
      {load.data && <Pager total={load.data.total} />}
    </>
  );
}

export default function AccountPage() {
  const who = user.value;
  if (!who) return null;
  return (
    <>
      <div class="two">
        <Section title={t("account.about")}><Profile key={who.update_time ?? ""} who={who} /></Section>
        {can("updateUserPassword") && <Section title={t("password.change")}><Password who={who} /></Section>}
      </div>
      <Section title={t("account.roles")} lead={t("account.roles.lead")}><Roles who={who} /></Section>
    </>
  );
}
