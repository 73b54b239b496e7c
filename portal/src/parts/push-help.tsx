// SPDX-License-Identifier: Apache-2.0
// How something gets into a project, by the tools that people have.
import { useState } from "preact/hooks";
import { t, type Key } from "../i18n";
import { user } from "../lib/session";
import { Command } from "../ui/basic";
import { registryHost, shellWord } from "./host";

interface Tool {
  name: string;
  login: (host: string, who: string) => string;
  push: (prefix: string) => string;
}

const TOOLS: Tool[] = [
  { name: "haven", login: (h, who) => `haven login -u ${who} ${h}`, push: (p) => `haven push ./my-model ${p}/my-model:v1` },
  { name: "modctl", login: (h, who) => `modctl login -u ${who} ${h}`,
    push: (p) => `modctl build -t ${p}/my-model:v1 -f Modelfile ./my-model\nmodctl push ${p}/my-model:v1` },
  { name: "oras", login: (h, who) => `oras login -u ${who} ${h}`, push: (p) => `oras push ${p}/my-files:v1 ./data.csv ./notes.md` },
  { name: "podman", login: (h, who) => `podman login -u ${who} ${h}`,
    push: (p) => `podman tag my-image ${p}/my-image:v1\npodman push ${p}/my-image:v1` },
];

export function PushHelp({ project }: { project: string }) {
  const [open, setOpen] = useState(0);
  const host = registryHost();
  const tool = TOOLS[open] ?? TOOLS[0]!;
  return (
    <div class="push-help">
      <div class="btn-group mb-3 flex-wrap" role="group" aria-label={t("push.tools")}>
        {TOOLS.map((x, i) => (
          <button type="button" key={x.name} class={`btn btn-sm btn-outline-secondary ${i === open ? "active" : ""}`}
            aria-pressed={i === open} onClick={() => setOpen(i)}>{x.name}</button>
        ))}
      </div>
      <p>{t(`push.${tool.name}` as Key)} {t("push.login")}</p>
      <div class="d-grid gap-2">
        <Command text={tool.login(host, shellWord(user.value?.username ?? "NAME"))} />
        <Command text={tool.push(`${host}/${project}`)} />
      </div>
    </div>
  );
}
