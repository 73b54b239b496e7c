// SPDX-License-Identifier: Apache-2.0
import { isAdmin } from "../../lib/session";
import { Robots } from "../../parts/robots";

export default function SystemRobots() {
  return <Robots scope="system" may={isAdmin} />;
}
