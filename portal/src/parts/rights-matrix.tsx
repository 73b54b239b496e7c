// SPDX-License-Identifier: Apache-2.0
// Rights as a table to tick: a row for each thing, a column for each action, out of the server's catalogue.
import type { Schemas } from "../api/client";
import { t } from "../i18n";
import "../style/parts.css";
import { word } from "./scope";

export type Right = Schemas["Permission"];

/** "repository:pull" */
export function rightName(right: { resource?: string | null; action?: string | null }): string {
  return `${right.resource ?? ""}:${right.action ?? ""}`;
}

/** In this order; others follow. */
const ACTIONS = ["list", "read", "pull", "push", "create", "update", "delete", "stop"];

const PULL = ["repository:pull", "repository:list", "artifact:list", "artifact:read", "artifact-addition:read", "tag:list"];
const PUSH = [...PULL, "repository:push", "artifact:create", "tag:create"];

/** `chosen` holds the names of rights (rightName); `presets`: the common choices of a project are offered. */
export function RightsMatrix({ catalogue, chosen, onChange, presets, label }: {
  catalogue: Right[];
  chosen: ReadonlySet<string>;
  onChange: (chosen: Set<string>) => void;
  presets?: boolean;
  label: string;
}) {
  const all = catalogue.map(rightName);
  const known = new Set(all);
  const resources = [...new Set(catalogue.map((r) => r.resource ?? ""))];
  const actions = [...new Set(catalogue.map((r) => r.action ?? ""))];
  const place = (action: string) => (ACTIONS.indexOf(action) + ACTIONS.length + 1) % (ACTIONS.length + 1);
  actions.sort((a, b) => place(a) - place(b));
  const set = (names: string[], on: boolean) => {
    const next = new Set(chosen);
    for (const name of names) if (on) next.add(name); else next.delete(name);
    onChange(next);
  };
  const rowOf = (resource: string) => all.filter((name) => name.startsWith(`${resource}:`));
  const choose = (names: string[]) => onChange(new Set(names.filter((name) => known.has(name))));
  const choices: [string, string[]][] = [
    ...(presets ? [[t("robot.preset.pull"), PULL], [t("robot.preset.push"), PUSH]] as [string, string[]][] : []),
    [t("robot.preset.all"), all], [t("robot.preset.none"), []],
  ];
  return (
    <>
      <div class="presets" role="group" aria-label={t("robot.rights.preset")}>
        {choices.map(([text, names]) => (
          <button type="button" key={text} class="btn btn-sm btn-outline-secondary" onClick={() => choose(names)}>{text}</button>
        ))}
      </div>
      <div class="matrix" tabIndex={0} role="region" aria-label={label}>
        <table>
          <caption class="visually-hidden">{t("robot.matrix")}</caption>
          <thead>
            <tr>
              <th scope="col">{t("robot.matrix.resource")}</th>
              {actions.map((action) => <th scope="col" key={action}>{word("right", action)}</th>)}
            </tr>
          </thead>
          <tbody>
            {resources.map((resource) => {
              const row = rowOf(resource);
              const name = word("thing", resource);
              const full = row.every((right) => chosen.has(right));
              return (
                <tr key={resource}>
                  <th scope="row">
                    <button type="button" class="btn btn-link btn-sm p-0" title={t("robot.matrix.row", { name })}
                      aria-pressed={full} onClick={() => set(row, !full)}>{name}</button>
                  </th>
                  {actions.map((action) => {
                    const right = `${resource}:${action}`;
                    return (
                      <td key={action}>
                        {known.has(right) && (
                          <label>
                            <input type="checkbox" class="form-check-input m-0" checked={chosen.has(right)}
                              aria-label={`${name}: ${word("right", action)}`}
                              onChange={(e) => set([right], e.currentTarget.checked)} />
                          </label>
                        )}
                      </td>
                    );
                  })}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </>
  );
}
