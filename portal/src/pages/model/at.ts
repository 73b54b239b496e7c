// SPDX-License-Identifier: Apache-2.0
// What the tabs of the model page are about: one artifact of one repository.
import type { Schemas } from "../../api/client";
import type { Rights } from "../../lib/session";

export type Artifact = Schemas["Artifact"];
/** What was read in it: its packaging, facts, weights, files. */
export type ModelContent = NonNullable<Schemas["Model"]["content"]>;

export interface ModelAt {
  project: string;
  /** Without the project. */
  repository: string;
  /** The digest, also where the address names a tag: what is shown does not change under the reader. */
  reference: string;
  projectId: number;
  artifact: Artifact;
  /** Undefined: it was not read yet, or could not be. */
  model: ModelContent | undefined;
  rights: Rights;
}
