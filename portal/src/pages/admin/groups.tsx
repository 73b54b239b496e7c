// SPDX-License-Identifier: Apache-2.0
// Groups of users, which come from identity providers.
import { useState } from "preact/hooks";
import { api, ask, askPage, type Schemas } from "../../api/client";
import { t, type Key } from "../../i18n";
import { useLoad } from "../../lib/load";
import { can } from "../../lib/session";
import { pageOf, useQuery } from "../../lib/url";
import { Chip } from "../../ui/basic";
import { Confirm, FormDialog } from "../../ui/dialog";
import { CheckedField } from "../../ui/field-errors";
import { Icon } from "../../ui/icon";
import { RowButton } from "../../ui/row-button";
import { Filter, Pager, PAGE_SIZE, Table } from "../../ui/table";
import { say } from "../../ui/toast";

type Group = Schemas["UserGroup"];
const LDAP = "1";
const KINDS = [LDAP, "2", "3"];

function Create({ onClose, done }: { onClose: () => void; done: () => void }) {
  const [name, setName] = useState("");
  const [kind, setKind] = useState("3");
  const [dn, setDn] = useState("");
  const submit = async () => {
    await ask(api.POST("/api/v2.0/usergroups", {
      body: { group_name: name.trim(), group_type: Number(kind), ...(kind === LDAP ? { ldap_group_dn: dn.trim() } : {}) },
    }));
    say(t("groups.created", { name: name.trim() }));
    done();
  };
  return (
    <FormDialog title={t("groups.create")} action={t("create")} submit={submit} onClose={onClose}
      fields={["group_name", "ldap_group_dn"]}>
      {(error) => (
        <>
          <CheckedField name="group_name" label={t("name")} hint={t("groups.name.hint")} error={error}>
            {(a) => <input {...a} class={`form-control ${a.class}`} required maxLength={255} autofocus autocomplete="off" value={name}
              onInput={(e) => setName(e.currentTarget.value)} />}
          </CheckedField>
          <CheckedField name="group_type" label={t("groups.kind")} error={error}>
            {(a) => (
              <select {...a} class={`form-select ${a.class}`} value={kind} onChange={(e) => setKind(e.currentTarget.value)}>
                {KINDS.map((k) => <option key={k} value={k}>{t(`groups.kind.${k}` as Key)}</option>)}
              </select>
            )}
          </CheckedField>
          {kind === LDAP && (
            <CheckedField name="ldap_group_dn" label={t("groups.dn")} hint="cn=researchers,ou=groups,dc=example,dc=org" error={error}>
              {(a) => <input {...a} class={`form-control ${a.class}`} required autocomplete="off" value={dn}
                onInput={(e) => setDn(e.currentTarget.value)} />}
            </CheckedField>
          )}
        </>
      )}
    </FormDialog>
  );
}

function Rename({ group, onClose, done }: { group: Group; onClose: () => void; done: () => void }) {
  const [name, setName] = useState(group.group_name ?? "");
  const submit = async () => {
    await ask(api.PUT("/api/v2.0/usergroups/{group_id}", {
      params: { path: { group_id: group.id ?? 0 } }, body: { ...group, group_name: name.trim() },
    }));
    say(t("saved"));
    done();
  };
  return (
    <FormDialog title={t("groups.rename.of", { name: group.group_name ?? "" })} action={t("save")} submit={submit}
      onClose={onClose} fields={["group_name"]}>
      {(error) => (
        <CheckedField name="group_name" label={t("name")} error={error}>
          {(a) => <input {...a} class={`form-control ${a.class}`} required maxLength={255} autofocus autocomplete="off" value={name}
            onInput={(e) => setName(e.currentTarget.value)} />}
        </CheckedField>
      )}
    </FormDialog>
  );
}

export default function Groups() {
  const query = useQuery();
  const page = pageOf(query);
  const words = query.one("q");
  const sort = query.one("sort");
  const [open, setOpen] = useState<{ what: "create" | "rename" | "remove"; group?: Group }>();
  const load = useLoad(
    (signal) => askPage(api.GET("/api/v2.0/usergroups", {
      params: { query: { page, page_size: PAGE_SIZE, ...(words ? { group_name: words } : {}), ...(sort ? { sort } : {}) } }, signal,
    })),
    [query.text],
  );
  const close = () => setOpen(undefined);
  return (
    <>
      <div class="toolbar">
        <Filter placeholder={t("groups.search")} />
        {can("createUserGroup") && (
          <span class="end">
            <button type="button" class="btn btn-primary" onClick={() => setOpen({ what: "create" })}>
              <Icon name="plus" /> {t("groups.create")}
            </button>
          </span>
        )}
      </div>
      <Table<Group> load={load} caption={t("admin.groups")} empty={t(words ? "groups.none" : "groups.empty")} rowKey={(g) => g.id ?? 0}
        columns={[
          { title: t("name"), sort: "group_name", cell: (g) => <strong>{g.group_name}</strong> },
          { title: t("groups.kind"), sort: "group_type", cell: (g) => <Chip>{t(`groups.kind.${g.group_type ?? 3}` as Key)}</Chip> },
          { title: t("groups.dn"), minor: true, cell: (g) => g.ldap_group_dn && <code>{g.ldap_group_dn}</code> },
        ]}
        actions={(g) => (
          <>
            {can("updateUserGroup") && <RowButton icon="pencil" label={t("groups.rename.of", { name: g.group_name ?? "" })}
              onClick={() => setOpen({ what: "rename", group: g })} />}
            {can("deleteUserGroup") && <RowButton icon="trash" danger label={t("groups.remove.of", { name: g.group_name ?? "" })}
              onClick={() => setOpen({ what: "remove", group: g })} />}
          </>
        )} />
      {load.data && <Pager total={load.data.total} />}
      {open?.what === "create" && <Create onClose={close} done={load.reload} />}
      {open?.what === "rename" && open.group && <Rename group={open.group} onClose={close} done={load.reload} />}
      {open?.what === "remove" && open.group && <Remove group={open.group} onClose={close} done={load.reload} />}
    </>
  );
}

function Remove({ group, onClose, done }: { group: Group; onClose: () => void; done: () => void }) {
  const name = group.group_name ?? "";
  return (
    <Confirm title={t("groups.remove.of", { name })} action={t("delete")} loses={t("groups.remove.text", { name })} onClose={onClose}
      work={async () => {
        await ask(api.DELETE("/api/v2.0/usergroups/{group_id}", { params: { path: { group_id: group.id ?? 0 } } }));
        say(t("groups.removed", { name }));
        done();
      }} />
  );
}
