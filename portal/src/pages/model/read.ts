// SPDX-License-Identifier: Apache-2.0
// What is asked of the server for the page of a model: which version, what was read in it, its repository.
import { useEffect, useRef } from "preact/hooks";
import { api, ask, askPage, type Schemas } from "../../api/client";
import { type Load, useLoad } from "../../lib/load";
import { can, user } from "../../lib/session";
import type { Artifact } from "./at";

/** How often what was not read yet is asked for again. */
const WAIT_MS = { waiting: 2_000, unread: 15_000 };
const SHOW = { with_tag: true, with_label: true, with_immutable_status: true };

/** A name of a repository and what it is asked by. */
export interface Names {
  project: string;
  repository: string;
}

export function pathOf({ project, repository }: Names) {
  return { project_name: project, repository_name: repository };
}

/** One page of the versions of a repository. */
export async function listVersions(names: Names, query: { q?: string; sort?: string; page?: number; page_size?: number },
  signal?: AbortSignal) {
  return askPage(api.GET("/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts", {
    params: { path: pathOf(names), query: { ...SHOW, ...query } },
    ...(signal ? { signal } : {}),
  }));
}

/** The version that is meant where none is named: as for links (docs/links.md). Undefined: there is none. */
async function newest(names: Names, signal: AbortSignal): Promise<Artifact | undefined> {
  for (const q of ["tags=latest", "tags=*", ""]) {
    const found = await listVersions(names, { sort: "-push_time", page_size: 1, ...(q ? { q } : {}) }, signal);
    if (found.items[0]) return found.items[0];
  }
  return undefined;
}

/** The version that the address names by tag or digest, or the newest; null: the repository holds nothing. */
export function useArtifact(names: Names, reference: string): Load<Artifact | null> {
  return useLoad(
    async (signal) =>
      reference
        ? ask(api.GET("/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}", {
            params: { path: { ...pathOf(names), reference }, query: SHOW },
            signal,
          }))
        : ((await newest(names, signal)) ?? null),
    [names.project, names.repository, reference, user.value?.user_id],
  );
}

/** What was read in it. Asks again by itself until it was, and calls `done` then. */
export function useModel(names: Names, digest: string, done: () => void): Load<Schemas["Model"]> {
  const load = useLoad(
    digest && can("getModel")
      ? (signal) =>
          ask(api.GET("/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/model", {
            params: { path: { ...pathOf(names), reference: digest } },
            signal,
          }))
      : null,
    [names.project, names.repository, digest, user.value?.user_id],
  );
  const waited = useRef(false);
  const state = load.data?.state;
  useEffect(() => {
    if (state === "waiting" || state === "unread") {
      waited.current = true;
      const timer = setTimeout(load.reload, WAIT_MS[state]);
      return () => clearTimeout(timer);
    }
    if (state === "read" && waited.current) {
      waited.current = false;
      done();
    }
  }, [state, load.data]);
  return load;
}

/** Its repository; by the list, which also strangers may ask of public projects. */
export function useRepository(names: Names, fullName: string | undefined): Load<Schemas["Repository"] | undefined> {
  return useLoad(
    fullName && can("listRepositories")
      ? async (signal) => {
          const found = await askPage(api.GET("/api/v2.0/projects/{project_name}/repositories", {
            params: { path: { project_name: names.project }, query: { q: `name=${fullName}`, page_size: 1 } },
            signal,
          }));
          return found.items[0];
        }
      : null,
    [fullName, user.value?.user_id],
  );
}
