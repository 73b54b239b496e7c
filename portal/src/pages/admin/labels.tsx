// SPDX-License-Identifier: Apache-2.0
import { isAdmin } from "../../lib/session";
import { Labels } from "../../parts/labels";

export default function SystemLabels() {
  return <Labels scope="system" may={isAdmin} />;
}
