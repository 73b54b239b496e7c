// SPDX-License-Identifier: Apache-2.0
// Every page: its address, what the server has to deliver for it, who sees it. A new one is one row here and one file.
import type { ComponentType } from "preact";
import { lazy } from "preact-iso";
import { Discover } from "./discover";

export { NotFound } from "./not-found";

export interface PageRow {
  path: string;
  component: ComponentType;
  /** Operations of the API without which the page would be empty or refused. */
  needs: string[];
  /** For administrators of the system only. */
  admin?: boolean;
}

export const pages: PageRow[] = [
  { path: "/", component: Discover, needs: ["listModels"] },
  { path: "/m/:project/:repository+", component: lazy(() => import("./model")), needs: ["listArtifacts", "getArtifact"] },
  { path: "/projects", component: lazy(() => import("./projects")), needs: ["listProjects"] },
  { path: "/projects/:project/:tab?", component: lazy(() => import("./project/index")), needs: ["getProject"] },
  { path: "/sign-in", component: lazy(() => import("./sign-in")), needs: [] },
  { path: "/sign-up", component: lazy(() => import("./sign-up")), needs: ["createUser"] },
  { path: "/account/:area?", component: lazy(() => import("./account")), needs: ["getCurrentUserInfo"] },
  { path: "/admin/:area?", component: lazy(() => import("./admin")), needs: [], admin: true },
];
