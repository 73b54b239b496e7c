// SPDX-License-Identifier: Apache-2.0
// One account, as administrators see it: what is known of it, its tokens, where it is signed in.
import { useLocation } from "preact-iso";
import { useState } from "preact/hooks";
import { api, ask } from "../../api/client";
import { t } from "../../i18n";
import { useLoad } from "../../lib/load";
import { can, user, type User } from "../../lib/session";
import { link, useQuery } from "../../lib/url";
import { Sessions, Tokens, useTokens } from "../../parts/people";
import { Chip, Loaded, Tabs, Time } from "../../ui/basic";
import { EditUser, RemoveUser, SetAdmin, SetPassword } from "./user-dialogs";

function TokensOf({ id }: { id: number }) {
  return <Tokens userId={id} load={useTokens(id)} />;
}

function Facts({ who }: { who: User }) {
  return (
    <dl class="facts card card-body">
      <dt>{t("user.realname")}</dt><dd>{who.realname}</dd>
      <dt>{t("user.email")}</dt><dd>{who.email}</dd>
      <dt>{t("user.comment")}</dt><dd>{who.comment}</dd>
      <dt>{t("users.number")}</dt><dd>{who.user_id}</dd>
      <dt>{t("created")}</dt><dd><Time at={who.creation_time} /></dd>
      <dt>{t("updated")}</dt><dd><Time at={who.update_time} /></dd>
    </dl>
  );
}

export function OneUser({ id }: { id: number }) {
  const query = useQuery();
  const { route } = useLocation();
  const [open, setOpen] = useState<"edit" | "password" | "admin" | "remove">();
  const load = useLoad(
    (signal) => ask(api.GET("/api/v2.0/users/{user_id}", { params: { path: { user_id: id } }, signal })), [id],
  );
  const tab = query.one("tab");
  const at = (name: string) => link("/admin/users", { user: String(id), tab: name });
  const close = () => setOpen(undefined);
  const other = id !== 1 && id !== user.value?.user_id;
  const tabs = [
    { id: "", text: t("account.profile"), href: at("") },
    ...(can("listPersonalTokens") ? [{ id: "tokens", text: t("tokens.title"), href: at("tokens") }] : []),
    ...(can("listSessions") ? [{ id: "sessions", text: t("sessions.title"), href: at("sessions") }] : []),
  ];
  return (
    <>
      <p><a href={link("/admin/users")}>← {t("users.all")}</a></p>
      <Loaded of={load}>
        {(who) => (
          <>
            <div class="section-head">
              <h2>{who.username} {who.sysadmin_flag && <Chip icon="shield">{t("users.admin")}</Chip>}</h2>
              <div class="section-actions">
                {can("updateUserProfile") && (
                  <button type="button" class="btn btn-outline-secondary" onClick={() => setOpen("edit")}>{t("edit")}</button>
                )}
                {can("updateUserPassword") && (
                  <button type="button" class="btn btn-outline-secondary" onClick={() => setOpen("password")}>{t("users.password")}</button>
                )}
                {other && can("setUserSysAdmin") && (
                  <button type="button" class="btn btn-outline-secondary" onClick={() => setOpen("admin")}>
                    {t(who.sysadmin_flag ? "users.unmake" : "users.make")}
                  </button>
                )}
                {other && can("deleteUser") && (
                  <button type="button" class="btn btn-outline-danger" onClick={() => setOpen("remove")}>{t("delete")}</button>
                )}
              </div>
            </div>
            <Tabs label={who.username ?? ""} open={tab} tabs={tabs} />
            {tab === "" && <Facts who={who} />}
            {tab === "tokens" && <TokensOf id={id} />}
            {tab === "sessions" && <Sessions userId={id} />}
            {open === "edit" && <EditUser who={who} onClose={close} done={load.reload} />}
            {open === "password" && <SetPassword who={who} onClose={close} />}
            {open === "admin" && <SetAdmin who={who} onClose={close} done={load.reload} />}
            {open === "remove" && <RemoveUser who={who} onClose={close} done={() => route(link("/admin/users"))} />}
          </>
        )}
      </Loaded>
    </>
  );
}
