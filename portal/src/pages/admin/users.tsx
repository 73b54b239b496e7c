// SPDX-License-Identifier: Apache-2.0
// The accounts of people.
import { useState } from "preact/hooks";
import { api, askPage } from "../../api/client";
import { t } from "../../i18n";
import { useLoad } from "../../lib/load";
import { can, user, type User } from "../../lib/session";
import { link, pageOf, useQuery } from "../../lib/url";
import { Chip, Time } from "../../ui/basic";
import { Icon } from "../../ui/icon";
import { RowButton } from "../../ui/row-button";
import { Filter, Pager, PAGE_SIZE, Table } from "../../ui/table";
import { CreateUser, EditUser, RemoveUser, SetAdmin, SetPassword } from "./user-dialogs";
import { OneUser } from "./user";

type What = "create" | "edit" | "password" | "admin" | "remove";

export default function Users() {
  const query = useQuery();
  const chosen = Number(query.one("user"));
  return Number.isInteger(chosen) && chosen > 0 ? <OneUser id={chosen} /> : <List />;
}

function List() {
  const query = useQuery();
  const page = pageOf(query);
  const words = query.one("q");
  const by = query.one("by") === "email" ? "email" : "username";
  const sort = query.one("sort");
  const [open, setOpen] = useState<{ what: What; who?: User }>();
  const load = useLoad(
    (signal) => askPage(api.GET("/api/v2.0/users", {
      params: { query: { page, page_size: PAGE_SIZE, ...(words ? { [by]: words } : {}), ...(sort ? { sort } : {}) } }, signal,
    })),
    [query.text],
  );
  const name = (u: User) => u.username ?? "";
  const close = () => setOpen(undefined);
  return (
    <>
      <div class="toolbar">
        <Filter placeholder={t(by === "email" ? "users.search.email" : "users.search.name")} />
        <select class="form-select w-auto" aria-label={t("users.search.by")} value={by}
          onChange={(e) => query.set({ by: e.currentTarget.value === "email" ? "email" : "", page: "" })}>
          <option value="username">{t("user.username")}</option>
          <option value="email">{t("user.email")}</option>
        </select>
        {can("createUser") && (
          <span class="end">
            <button type="button" class="btn btn-primary" onClick={() => setOpen({ what: "create" })}>
              <Icon name="plus" /> {t("users.create")}
            </button>
          </span>
        )}
      </div>
      <Table<User> load={load} caption={t("admin.users")} empty={t(words ? "users.none" : "users.empty")} rowKey={(u) => u.user_id ?? 0}
        columns={[
          { title: t("user.username"), sort: "username", cell: (u) => (
            <>
              <a href={link("/admin/users", { user: String(u.user_id ?? "") })}><strong>{u.username}</strong></a>{" "}
              {u.sysadmin_flag && <Chip icon="shield">{t("users.admin")}</Chip>}
            </>
          ) },
          { title: t("user.realname"), sort: "realname", minor: true, cell: (u) => u.realname },
          { title: t("user.email"), sort: "email", minor: true, cell: (u) => u.email },
          { title: t("created"), sort: "creation_time", minor: true, cell: (u) => <Time at={u.creation_time} /> },
        ]}
        actions={(u) => (
          <>
            {can("updateUserProfile") && <RowButton icon="pencil" label={t("users.edit.of", { name: name(u) })}
              onClick={() => setOpen({ what: "edit", who: u })} />}
            {can("updateUserPassword") && <RowButton icon="key" label={t("users.password.of", { name: name(u) })}
              onClick={() => setOpen({ what: "password", who: u })} />}
            {can("setUserSysAdmin") && u.user_id !== 1 && u.user_id !== user.value?.user_id && (
              <RowButton icon="shield" label={t(u.sysadmin_flag ? "users.unmake.of" : "users.make.of", { name: name(u) })}
                onClick={() => setOpen({ what: "admin", who: u })} />
            )}
            {can("deleteUser") && u.user_id !== 1 && u.user_id !== user.value?.user_id && (
              <RowButton icon="trash" danger label={t("users.remove.of", { name: name(u) })}
                onClick={() => setOpen({ what: "remove", who: u })} />
            )}
          </>
        )} />
      {load.data && <Pager total={load.data.total} />}
      {open?.what === "create" && <CreateUser onClose={close} done={load.reload} />}
      {open?.what === "edit" && open.who && <EditUser who={open.who} onClose={close} done={load.reload} />}
      {open?.what === "password" && open.who && <SetPassword who={open.who} onClose={close} />}
      {open?.what === "admin" && open.who && <SetAdmin who={open.who} onClose={close} done={load.reload} />}
      {open?.what === "remove" && open.who && <RemoveUser who={open.who} onClose={close} done={load.reload} />}
    </>
  );
}
