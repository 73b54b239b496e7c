// SPDX-License-Identifier: Apache-2.0
// Where somebody is signed in, and the tokens that act for them: for themselves, and for administrators.
import { useState } from "preact/hooks";
import { api, ask, askPage, type Schemas } from "../api/client";
import { t, type Key } from "../i18n";
import * as format from "../lib/format";
import { useLoad } from "../lib/load";
import { can } from "../lib/session";
import { pageOf, useQuery } from "../lib/url";
import { Chip, Time } from "../ui/basic";
import { Confirm } from "../ui/dialog";
import { RowButton } from "../ui/row-button";
import { Pager, PAGE_SIZE, Table } from "../ui/table";
import { say } from "../ui/toast";

type Token = Schemas["PersonalToken"];
type Session = Schemas["Session"];

function list(query: ReturnType<typeof useQuery>) {
  const sort = query.one("sort");
  return { page: pageOf(query), page_size: PAGE_SIZE, ...(sort ? { sort } : {}) };
}

export function useTokens(userId: number) {
  const query = useQuery();
  return useLoad(
    (signal) => askPage(api.GET("/api/v2.0/users/{user_id}/tokens", {
      params: { path: { user_id: userId }, query: list(query) }, signal,
    })),
    [userId, query.text],
  );
}

function Ends({ at }: { at: string | null | undefined }) {
  if (!at || format.isNever(at)) return <span class="text-body-secondary">{t("never")}</span>;
  if (new Date(at).getTime() < Date.now()) return <Chip icon="exclamation">{t("tokens.over")}</Chip>;
  return <time dateTime={at} title={format.time(at)}>{format.day(at)}</time>;
}

export function Tokens({ userId, load }: { userId: number; load: ReturnType<typeof useTokens> }) {
  const [doomed, setDoomed] = useState<Token>();
  return (
    <>
      <Table<Token> load={load} caption={t("tokens.title")} empty={t("tokens.none")} rowKey={(x) => x.id ?? 0}
        columns={[
          { title: t("name"), sort: "name", cell: (x) => <strong>{x.name}</strong> },
          { title: t("tokens.scope"), cell: (x) => <Chip title={t(`tokens.scope.${x.scope}.text` as Key)}>{t(`tokens.scope.${x.scope}` as Key)}</Chip> },
          { title: t("created"), sort: "creation_time", minor: true, cell: (x) => <Time at={x.creation_time} /> },
          { title: t("tokens.ends"), sort: "expiration_time", cell: (x) => <Ends at={x.expiration_time} /> },
          { title: t("tokens.used"), sort: "last_used_time", minor: true, cell: (x) => <Time at={x.last_used_time} /> },
        ]}
        {...(can("deletePersonalToken") ? {
          actions: (x: Token) => <RowButton icon="trash" danger label={t("tokens.revoke.of", { name: x.name ?? "" })}
            onClick={() => setDoomed(x)} />,
        } : {})} />
      {load.data && <Pager total={load.data.total} />}
      {doomed && (
        <Confirm title={t("tokens.revoke")} action={t("tokens.revoke")}
          loses={t("tokens.revoke.loses", { name: doomed.name ?? "" })}
          work={async () => {
            await ask(api.DELETE("/api/v2.0/users/{user_id}/tokens/{token_id}", {
              params: { path: { user_id: userId, token_id: doomed.id ?? 0 } },
            }));
            say(t("tokens.revoked", { name: doomed.name ?? "" }));
            load.reload();
          }}
          onClose={() => setDoomed(undefined)} />
      )}
    </>
  );
}

/** "Chrome · Linux" of what the browser calls itself; its own words stand behind. */
export function browserOf(agent: string): string {
  const find = (table: [RegExp, string][]) => table.find(([word]) => word.test(agent))?.[1];
  const browser = find([
    [/Edg\//, "Edge"], [/OPR\//, "Opera"], [/Firefox\//, "Firefox"], [/Chrom(e|ium)\//, "Chrome"], [/Safari\//, "Safari"],
  ]);
  const system = find([
    [/Android/, "Android"], [/iPhone|iPad/, "iOS"], [/Windows/, "Windows"], [/Mac OS X/, "macOS"], [/Linux/, "Linux"],
  ]);
  return [browser, system].filter(Boolean).join(" · ") || agent;
}

/** `onSelfEnded`: the session of this very page was ended. */
export function Sessions({ userId, onSelfEnded }: { userId: number; onSelfEnded?: () => Promise<void> }) {
  const query = useQuery();
  const [doomed, setDoomed] = useState<Session | "all">();
  const load = useLoad(
    (signal) => askPage(api.GET("/api/v2.0/users/{user_id}/sessions", {
      params: { path: { user_id: userId }, query: list(query) }, signal,
    })),
    [userId, query.text],
  );
  const end = async (which: Session | "all") => {
    if (which === "all") await ask(api.DELETE("/api/v2.0/users/{user_id}/sessions", { params: { path: { user_id: userId } } }));
    else
      await ask(api.DELETE("/api/v2.0/users/{user_id}/sessions/{session_id}", {
        params: { path: { user_id: userId, session_id: which.id ?? 0 } },
      }));
    say(t("sessions.ended"));
    if (onSelfEnded && (which === "all" || which.current)) await onSelfEnded();
    else load.reload();
  };
  return (
    <>
      {!!load.data?.total && can("deleteSessions") && (
        <div class="toolbar">
          <span class="end">
            <button type="button" class="btn btn-outline-danger" onClick={() => setDoomed("all")}>{t("sessions.end.all")}</button>
          </span>
        </div>
      )}
      <Table<Session> load={load} caption={t("sessions.title")} empty={t("sessions.none")} rowKey={(x) => x.id ?? 0}
        columns={[
          { title: t("sessions.browser"), sort: "user_agent", cell: (x) => (
            <span title={x.user_agent ?? ""}>
              {browserOf(x.user_agent ?? "")} {x.current && <Chip icon="check">{t("sessions.current")}</Chip>}
            </span>
          ) },
          { title: t("sessions.address"), sort: "client_address", cell: (x) => <code>{x.client_address}</code> },
          { title: t("sessions.begun"), sort: "creation_time", minor: true, cell: (x) => <Time at={x.creation_time} /> },
          { title: t("tokens.used"), sort: "last_used_time", cell: (x) => <Time at={x.last_used_time} /> },
        ]}
        {...(can("deleteSession") ? {
          actions: (x: Session) => <RowButton icon="leave" danger
            label={t("sessions.end.of", { name: `${browserOf(x.user_agent ?? "")} (${x.client_address ?? ""})` })}
            onClick={() => setDoomed(x)} />,
        } : {})} />
      {load.data && <Pager total={load.data.total} />}
      {doomed && (
        <Confirm title={t(doomed === "all" ? "sessions.end.all" : "sessions.end")} action={t("sessions.end.action")}
          loses={doomed === "all" ? t("sessions.end.all.loses")
            : doomed.current ? t("sessions.end.self.loses")
            : t("sessions.end.loses", { browser: browserOf(doomed.user_agent ?? ""), address: doomed.client_address ?? "" })}
          work={() => end(doomed)} onClose={() => setDoomed(undefined)} />
      )}
    </>
  );
}
