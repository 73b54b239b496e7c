// SPDX-License-Identifier: Apache-2.0
// Who looks, what the server can do, and what this person may do: what is not there or not allowed is not shown.
import { signal } from "@preact/signals";
import { ApiError, api, ask, onRefused, raw, type Schemas } from "../api/client";
import { askAgain, useLoad } from "./load";

export type User = Schemas["UserResp"];

/** undefined: not known yet; null: nobody. */
export const user = signal<User | null | undefined>(undefined);
export const info = signal<Schemas["GeneralInfo"]>({});
/** Somebody was signed in here, and the server says that they are no more. */
export const ended = signal(false);
/** The operations that this server delivers, by their names in its OpenAPI file. */
export const operations = signal<ReadonlySet<string>>(new Set());
export const capabilities = signal<Schemas["Capabilities"]>({});

onRefused(() => {
  if (user.value) ended.value = true;
});

/** Asks all that the shell has to know before it draws anything. */
export async function begin(): Promise<void> {
  const [can] = await Promise.all([ask(api.GET("/api/v2.0/capabilities")), refreshInfo()]);
  capabilities.value = can;
  operations.value = new Set(can.operations ?? []);
  // Strangers are not told the version: that spares them a question that would be refused.
  if (info.value.harbor_version) await refreshUser();
  else user.value = null;
}

export async function refreshInfo(): Promise<void> {
  info.value = await ask(api.GET("/api/v2.0/systeminfo"));
}

export async function refreshUser(): Promise<void> {
  try {
    user.value = await ask(api.GET("/api/v2.0/users/current"));
  } catch (e) {
    if (!(e instanceof ApiError) || e.status !== 401) throw e;
    user.value = null;
  }
}

/** Signs in. What the page failed to get because the last session had ended is asked for again. */
export async function signIn(principal: string, password: string): Promise<void> {
  await ask(api.GET("/api/v2.0/systeminfo")); // for the token that a form needs
  await raw("/c/login", { method: "POST", body: new URLSearchParams({ principal, password }) });
  await Promise.all([refreshUser(), refreshInfo()]);
  if (ended.value) askAgain();
  ended.value = false;
}

export async function signOut(): Promise<void> {
  await raw("/c/log_out");
  user.value = null;
  ended.value = false;
  await refreshInfo();
}

/** Does the server deliver all of these? */
export function can(...wanted: string[]): boolean {
  return wanted.every((name) => operations.value.has(name));
}

export function isAdmin(): boolean {
  return user.value?.sysadmin_flag === true || user.value?.admin_role_in_auth === true;
}

export interface Rights {
  /** May one do this here? As in Harbor: ("tag", "create"). False until it is known. */
  may: (resource: string, action: string) => boolean;
  loading: boolean;
}

/** What the person who looks may do in a project; nothing but looking for who is not signed in. */
export function useRights(projectId: number | null | undefined): Rights {
  const asked = projectId && user.value ? projectId : null;
  const load = useLoad(
    asked
      ? async (signal) => {
          const scope = `/project/${asked}`;
          const list = await ask(
            api.GET("/api/v2.0/users/current/permissions", { params: { query: { scope, relative: true } }, signal }),
          );
          return new Set(list.map((p) => `${p.resource}:${p.action}`));
        }
      : null,
    [asked, user.value?.user_id],
  );
  return { may: (resource, action) => load.data?.has(`${resource}:${action}`) ?? false, loading: load.loading };
}
