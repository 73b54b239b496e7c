// SPDX-License-Identifier: Apache-2.0
// The project that a page is about, and what who looks may do there.
import { useRights, user, type Rights } from "../../lib/session";
import type { Schemas } from "../../api/client";

export interface Here {
  project: Schemas["Project"];
  id: number;
  name: string;
  may: Rights["may"];
  /** The project changed: it is asked for again. */
  reload: () => void;
}

/** What the server lets anybody do in a public project, signed in or not: it lists no rights for nobody. */
const ANYBODY = new Set(["project:read", "repository:list", "repository:pull", "artifact:list", "label:list", "label:read"]);

export function useRightsHere(id: number): Rights {
  const rights = useRights(id);
  return user.value ? rights : { may: (resource, action) => ANYBODY.has(`${resource}:${action}`), loading: false };
}
