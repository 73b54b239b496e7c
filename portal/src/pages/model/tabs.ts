// SPDX-License-Identifier: Apache-2.0
// The tabs of the model page, in the order in which they stand: a new one is one row here and one file.
import type { ComponentType } from "preact";
import type { Key } from "../../i18n";
import { later } from "../../lib/later";
import { record } from "../../lib/json";
import type { ModelAt } from "./at";
import { kindOf } from "./commands";

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

const brings = (name: string) => (at: ModelAt) => name in record(at.artifact.addition_links);
const isModel = (at: ModelAt) => kindOf(at) === "model";
const addition = (name: "History" | "Values" | "Dependencies" | "Sbom" | "Configuration") =>
  later(async () => ({ default: (await import("./additions"))[name] }));

export const tabs: TabRow[] = [
  {
    id: "card", text: "model.tab.card", component: later(() => import("./card")), needs: ["getAddition"],
    shown: (at) => isModel(at) || brings("readme.md")(at),
  },
  { id: "history", text: "model.tab.history", component: addition("History"), needs: ["getAddition"], shown: brings("build_history") },
  { id: "values", text: "model.tab.values", component: addition("Values"), needs: ["getAddition"], shown: brings("values.yaml") },
  {
    id: "dependencies", text: "model.tab.dependencies", component: addition("Dependencies"), needs: ["getAddition"],
    shown: brings("dependencies"),
  },
  { id: "sbom", text: "model.tab.sbom", component: addition("Sbom"), needs: ["getAddition"], shown: brings("sbom") },
  {
    id: "files", text: "model.tab.files", component: later(() => import("./files")), needs: ["getModel"],
    shown: (at) => isModel(at) || !!at.model?.files?.length,
  },
  {
    id: "tensors", text: "model.tab.tensors", component: later(() => import("./tensors")), needs: ["listTensors", "getTensorSummary"],
    shown: (at) => !!at.model?.weights,
  },
  { id: "versions", text: "model.tab.versions", component: later(() => import("./versions")), needs: ["listArtifacts"] },
  { id: "lineage", text: "model.tab.lineage", component: later(() => import("./lineage")), needs: ["getGraph"] },
  { id: "activity", text: "model.tab.activity", component: later(() => import("./activity")), needs: ["getActivity"] },
  {
    id: "configuration", text: "model.tab.configuration", component: addition("Configuration"), needs: [],
    shown: (at) => !isModel(at),
  },
];
