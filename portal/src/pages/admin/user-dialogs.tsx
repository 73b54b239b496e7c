// SPDX-License-Identifier: Apache-2.0
// What administrators do to accounts.
import { useRef, useState } from "preact/hooks";
import { api, ask } from "../../api/client";
import { t } from "../../i18n";
import { refreshUser, signIn, user, type User } from "../../lib/session";
import { PROFILE_FIELDS, ProfileFields, profileOf } from "../../parts/profile";
import { Confirm, FormDialog } from "../../ui/dialog";
import { Field } from "../../ui/basic";
import { CheckedField } from "../../ui/field-errors";
import { isGood, noPassword, PasswordFields } from "../../ui/password";
import { say } from "../../ui/toast";

interface Asked {
  who: User;
  onClose: () => void;
  done: () => void;
}

const of = (who: User) => ({ path: { user_id: who.user_id ?? 0 } });
const nameOf = (who: User) => who.username ?? "";
/** "ada (Ada L, ada@example.org)" */
const fullName = (who: User) => {
  const more = [who.realname !== who.username && who.realname, who.email].filter(Boolean).join(", ");
  return more ? `${nameOf(who)} (${more})` : nameOf(who);
};

export function CreateUser({ onClose, done }: Omit<Asked, "who">) {
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState(noPassword);
  const fields = useRef<HTMLDivElement>(null);
  const submit = async () => {
    const form = fields.current?.closest("form");
    if (!form) return;
    const profile = profileOf(form);
    await ask(api.POST("/api/v2.0/users", {
      body: { ...profile, email: profile.email ?? "", username: username.trim(), password: password.first },
    }));
    say(t("users.created", { name: username.trim() }));
    done();
  };
  return (
    <FormDialog title={t("users.create")} action={t("create")} submit={submit} onClose={onClose}
      fields={[...PROFILE_FIELDS, "username"]} disabled={!isGood(password)}>
      {(error) => (
        <div ref={fields}>
          <CheckedField name="username" label={t("user.username")} hint={t("user.username.hint")} error={error}>
            {(a) => <input {...a} class={`form-control ${a.class}`} required maxLength={255} autocomplete="off" autofocus
              value={username} onInput={(e) => setUsername(e.currentTarget.value)} />}
          </CheckedField>
          <ProfileFields who={{}} error={error} foreign />
          <PasswordFields value={password} onChange={setPassword} label={t("signIn.password")} />
        </div>
      )}
    </FormDialog>
  );
}

export function EditUser({ who, onClose, done }: Asked) {
  const fields = useRef<HTMLDivElement>(null);
  const submit = async () => {
    const form = fields.current?.closest("form");
    if (!form) return;
    await ask(api.PUT("/api/v2.0/users/{user_id}", { params: of(who), body: profileOf(form) }));
    if (who.user_id === user.value?.user_id) await refreshUser();
    say(t("saved"));
    done();
  };
  return (
    <FormDialog title={t("users.edit.of", { name: nameOf(who) })} action={t("save")} submit={submit} onClose={onClose}
      fields={PROFILE_FIELDS}>
      {(error) => <div ref={fields}><ProfileFields who={who} error={error} foreign /></div>}
    </FormDialog>
  );
}

export function SetPassword({ who, onClose }: Omit<Asked, "done">) {
  const [password, setPassword] = useState(noPassword);
  const [old, setOld] = useState("");
  const self = who.user_id === user.value?.user_id;
  const submit = async () => {
    await ask(api.PUT("/api/v2.0/users/{user_id}/password", {
      params: of(who), body: { new_password: password.first, ...(self ? { old_password: old } : {}) },
    }));
    if (self) await signIn(nameOf(who), password.first);
    say(t("users.password.set", { name: nameOf(who) }));
  };
  return (
    <FormDialog title={t("users.password.of", { name: nameOf(who) })} action={t("users.password")} submit={submit}
      onClose={onClose} disabled={!isGood(password) || (self && !old)}>
      <p>{t(self ? "password.effect" : "users.password.text", { name: fullName(who) })}</p>
      {self && (
        <Field label={t("password.old")}>
          {(a) => <input {...a} class="form-control" type="password" autocomplete="current-password" required value={old}
            onInput={(e) => setOld(e.currentTarget.value)} />}
        </Field>
      )}
      <PasswordFields value={password} onChange={setPassword} label={t("password.new")} />
    </FormDialog>
  );
}

export function SetAdmin({ who, onClose, done }: Asked) {
  const make = !who.sysadmin_flag;
  const name = nameOf(who);
  return (
    <Confirm title={t(make ? "users.make.of" : "users.unmake.of", { name })} action={t(make ? "users.make" : "users.unmake")}
      loses={t(make ? "users.make.text" : "users.unmake.text", { name: fullName(who) })} onClose={onClose}
      work={async () => {
        await ask(api.PUT("/api/v2.0/users/{user_id}/sysadmin", { params: of(who), body: { sysadmin_flag: make } }));
        say(t(make ? "users.made" : "users.unmade", { name }));
        done();
      }} />
  );
}

export function RemoveUser({ who, onClose, done }: Asked) {
  const name = nameOf(who);
  return (
    <Confirm title={t("users.remove.of", { name })} action={t("delete")} type={name} onClose={onClose}
      loses={
        <>
          <p>{t("users.remove.text", { name: fullName(who) })}</p>
          <ul>
            <li>{t("users.remove.signIn")}</li>
            <li>{t("users.remove.roles")}</li>
            <li>{t("users.remove.tokens")}</li>
          </ul>
          <p class="mb-0">{t("users.remove.stays")}</p>
        </>
      }
      work={async () => {
        await ask(api.DELETE("/api/v2.0/users/{user_id}", { params: of(who) }));
        say(t("users.removed", { name }));
        done();
      }} />
  );
}
