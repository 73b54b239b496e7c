// SPDX-License-Identifier: Apache-2.0
// Finds a user or a group by a part of the name, and lets one be chosen.
import { useEffect, useState } from "preact/hooks";
import { api, ask } from "../api/client";
import { t } from "../i18n";
import { useLoad } from "../lib/load";
import { can } from "../lib/session";
import { Failure, Field } from "../ui/basic";
import { Icon } from "../ui/icon";

export interface Person {
  kind: "user" | "group";
  id: number;
  name: string;
}

const AT_LEAST = 2;
const SHOWN = 10;
/** Milliseconds without a key after which the server is asked. */
const PAUSE = 250;

async function find(name: string, signal: AbortSignal): Promise<Person[]> {
  const [users, groups] = await Promise.all([
    can("searchUsers")
      ? ask(api.GET("/api/v2.0/users/search", { params: { query: { username: name, page_size: SHOWN } }, signal }))
      : [],
    can("searchUserGroups")
      ? ask(api.GET("/api/v2.0/usergroups/search", { params: { query: { groupname: name, page_size: SHOWN } }, signal }))
      : [],
  ]);
  return [
    ...users.map((u): Person => ({ kind: "user", id: u.user_id ?? 0, name: u.username ?? "" })),
    ...groups.map((g): Person => ({ kind: "group", id: g.id ?? 0, name: g.group_name ?? "" })),
  ];
}

export function PeopleSearch({ chosen, onChoose }: {
  chosen: Person | undefined;
  onChoose: (person: Person | undefined) => void;
}) {
  const [typed, setTyped] = useState("");
  const [asked, setAsked] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setAsked(typed.trim()), PAUSE);
    return () => clearTimeout(timer);
  }, [typed]);
  const load = useLoad(asked.length >= AT_LEAST ? (signal) => find(asked, signal) : null, [asked]);
  const same = (a: Person, b: Person | undefined) => a.kind === b?.kind && a.id === b.id;
  return (
    <>
      <Field label={t("members.search")} hint={t("members.search.hint")}>
        {(a) => <input {...a} class="form-control" type="search" value={typed} autofocus autocomplete="off" spellcheck={false}
          onInput={(e) => { setTyped(e.currentTarget.value); onChoose(undefined); }} />}
      </Field>
      {load.error !== undefined && <Failure error={load.error} retry={load.reload} />}
      <fieldset class="people" aria-live="polite" aria-busy={load.loading}>
        <legend class="visually-hidden">{t("members.search.found")}</legend>
        {load.data?.length === 0 && <p class="text-body-secondary mb-0">{t("members.search.none")}</p>}
        {(load.data ?? []).map((person) => (
          <label class="choice" key={`${person.kind}${person.id}`}>
            <input type="radio" class="form-check-input" name="person" checked={same(person, chosen)}
              onChange={() => onChoose(person)} />
            <span>
              <Icon name={person.kind === "user" ? "person" : "people"} /> {person.name}
              {" "}<small class="d-inline">{t(person.kind === "user" ? "members.user" : "members.group")}</small>
            </span>
          </label>
        ))}
      </fieldset>
    </>
  );
}
