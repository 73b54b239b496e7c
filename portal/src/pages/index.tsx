// SPDX-License-Identifier: Apache-2.0
// Every page: its address, what the server has to deliver for it, who sees it. A new one is one row here and one file.
import type { ComponentType } from "preact";
import { lazy } from "preact-iso";
import { t } from "../i18n";
import { BASE } from "../lib/url";
import { Empty, Page } from "../ui/basic";
import { Discover } from "./discover";

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
];

export function NotFound() {
  return (
    <Page title={t("notFound.title")}>
      <Empty icon="search">
        {t("notFound.text")} <a href={`${BASE}/`}>{t("nav.discover")}</a>
      </Empty>
    </Page>
  );
}
