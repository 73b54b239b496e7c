// SPDX-License-Identifier: Apache-2.0
// Who is in a project, with which role.
import { useState } from "preact/hooks";
import { api, ask, askPage, type Schemas } from "../../api/client";
import { t } from "../../i18n";
import { useLoad } from "../../lib/load";
import { can, user } from "../../lib/session";
import { useQuery } from "../../lib/url";
import { PeopleSearch, type Person } from "../../parts/people-search";
import { RoleChoice, roleName } from "../../parts/role";
import { paging } from "../../parts/scope";
import { Chip } from "../../ui/basic";
import { Confirm, FormDialog } from "../../ui/dialog";
import { Icon } from "../../ui/icon";
import { RowButton } from "../../ui/row-button";
import { Filter, Pager, Table } from "../../ui/table";
import { say } from "../../ui/toast";
import type { Here } from "./context";

type Member = Schemas["ProjectMemberEntity"];

const DEVELOPER = 2;

function isGroup(member: Member): boolean {
  return member.entity_type === "g";
}

function isSelf(member: Member): boolean {
  return !isGroup(member) && member.entity_id === user.value?.user_id;
}

function Add({ id, onAdded, onClose }: { id: number; onAdded: () => void; onClose: () => void }) {
  const [person, setPerson] = useState<Person>();
  const [role, setRole] = useState(DEVELOPER);
  const submit = async () => {
    if (!person) return;
    const who = person.kind === "user" ? { member_user: { user_id: person.id } } : { member_group: { id: person.id } };
    await ask(api.POST("/api/v2.0/projects/{project}/members", {
      params: { path: { project: String(id) } }, body: { role_id: role, ...who },
    }));
    say(t("members.added", { name: person.name }));
    onAdded();
  };
  return (
    <FormDialog title={t("members.add")} action={t("add")} submit={submit} onClose={onClose} disabled={!person}>
      <PeopleSearch chosen={person} onChoose={setPerson} />
      <RoleChoice role={role} onChange={setRole} />
    </FormDialog>
  );
}

function ChangeRole({ id, member, onSaved, onClose }: {
  id: number;
  member: Member;
  onSaved: () => void;
  onClose: () => void;
}) {
  const [role, setRole] = useState(member.role_id ?? DEVELOPER);
  const name = member.entity_name ?? "";
  const submit = async () => {
    await ask(api.PUT("/api/v2.0/projects/{project}/members/{mid}", {
      params: { path: { project: String(id), mid: member.id ?? 0 } }, body: { role_id: role },
    }));
    say(t("members.changed", { name, role: roleName(role) }));
    onSaved();
  };
  return (
    <FormDialog title={`${t("members.role.change")}: ${name}`} action={t("save")} submit={submit} onClose={onClose}
      disabled={role === member.role_id}>
      {isSelf(member) && <div class="alert alert-warning">{t("members.role.self")}</div>}
      <RoleChoice role={role} onChange={setRole} />
    </FormDialog>
  );
}

export function Members({ id, may, reload: reloadProject }: Here) {
  const query = useQuery();
  const [adding, setAdding] = useState(false);
  const [changed, setChanged] = useState<Member>();
  const [doomed, setDoomed] = useState<Member>();
  const name = query.one("q");
  const load = useLoad(
    (signal) => askPage(api.GET("/api/v2.0/projects/{project}/members", {
      params: {
        path: { project: String(id) },
        query: { ...(name ? { entityname: name } : {}), ...paging(query, "entity_name") },
      },
      signal,
    })),
    [id, query.text, user.value?.user_id],
  );
  // Who changes their own place sees another project afterwards.
  const reload = (member: Member | undefined) => (member && isSelf(member) ? reloadProject() : load.reload());
  const creates = can("createProjectMember") && may("member", "create");
  const updates = can("updateProjectMember") && may("member", "update");
  const deletes = can("deleteProjectMember") && may("member", "delete");
  return (
    <>
      <div class="toolbar">
        <Filter placeholder={t("members.filter")} />
        {creates && (
          <span class="end">
            <button type="button" class="btn btn-primary" onClick={() => setAdding(true)}>
              <Icon name="plus" /> {t("members.add")}
            </button>
          </span>
        )}
      </div>
      <Table<Member> load={load} caption={t("project.tab.members")} empty={t(name ? "members.noneFound" : "members.none")}
        rowKey={(x) => x.id ?? 0}
        columns={[
          { title: t("members.member"), sort: "entity_name", cell: (x) => (
            <>
              <Icon name={isGroup(x) ? "people" : "person"} /> <strong>{x.entity_name}</strong>
              {isSelf(x) && <> <Chip>{t("members.you")}</Chip></>}
            </>
          ) },
          { title: t("members.kind"), minor: true, cell: (x) => t(isGroup(x) ? "members.group" : "members.user") },
          { title: t("role.choose"), sort: "role_id", cell: (x) => roleName(x.role_id) },
        ]}
        {...(updates || deletes ? {
          actions: (x: Member) => (
            <>
              {updates && <RowButton icon="pencil" label={t("members.role.of", { name: x.entity_name ?? "" })} onClick={() => setChanged(x)} />}
              {deletes && <RowButton icon="trash" danger label={t("members.remove.of", { name: x.entity_name ?? "" })} onClick={() => setDoomed(x)} />}
            </>
          ),
        } : {})} />
      {load.data && <Pager total={load.data.total} />}
      {adding && <Add id={id} onAdded={load.reload} onClose={() => setAdding(false)} />}
      {changed && <ChangeRole id={id} member={changed} onSaved={() => reload(changed)} onClose={() => setChanged(undefined)} />}
      {doomed && (
        <Confirm title={t("members.remove")} action={t("remove")}
          loses={
            <>
              <p>{t("members.remove.loses", { name: doomed.entity_name ?? "", role: roleName(doomed.role_id) })}</p>
              {isSelf(doomed) && <div class="alert alert-warning mb-0">{t("members.remove.self")}</div>}
            </>
          }
          work={async () => {
            await ask(api.DELETE("/api/v2.0/projects/{project}/members/{mid}", {
              params: { path: { project: String(id), mid: doomed.id ?? 0 } },
            }));
            say(t("members.removed", { name: doomed.entity_name ?? "" }));
            reload(doomed);
          }}
          onClose={() => setDoomed(undefined)} />
      )}
    </>
  );
}
