// SPDX-License-Identifier: Apache-2.0
// The tabs of the model page, in the order in which they stand: a new one is one row here and one file.
import type { ComponentType } from "preact";
import { lazy } from "preact-iso";
import type { Key } from "../../i18n";
import type { ModelAt } from "./at";

export interface TabProps {
  at: ModelAt;
  /** Something of the artifact or its repository was changed: asks for it anew. */
  reload: () => void;
}

export interface TabRow {
  /** In the address: ?tab=id. The first that is shown needs none. */
  id: string;
  text: Key;
  component: ComponentType<TabProps>;
  /** Operations of the API without which the tab would be empty or refused. */
  needs: string[];
  /** Is there something to show of this artifact? */
  shown?: (at: ModelAt) => boolean;
}

export const tabs: TabRow[] = [
  { id: "card", text: "model.tab.card", component: lazy(() => import("./card")), needs: [] },
  { id: "files", text: "model.tab.files", component: lazy(() => import("./files")), needs: ["getModel"] },
  { id: "versions", text: "model.tab.versions", component: lazy(() => import("./versions")), needs: ["listArtifacts"] },
];
