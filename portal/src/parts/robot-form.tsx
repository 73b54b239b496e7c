// SPDX-License-Identifier: Apache-2.0
// Makes a robot or changes one: its name, how long it may be used, what it may do and where.
import { useId, useState } from "preact/hooks";
import { api, ask, type Schemas } from "../api/client";
import { t } from "../i18n";
import { useLoad } from "../lib/load";
import { capabilities } from "../lib/session";
import { Field, Loaded } from "../ui/basic";
import { FormDialog } from "../ui/dialog";
import { RowButton } from "../ui/row-button";
import { say } from "../ui/toast";
import { RightsMatrix, rightName, type Right } from "./rights-matrix";
import type { Scope } from "./scope";
import type { Secret } from "./secret";

export type Robot = Schemas["Robot"];
type Catalogue = Schemas["Permissions"];

/** What it may do in one place: `namespace` is a project, "*" (every project) or "/" (the system). */
interface Grant {
  kind: string;
  namespace: string;
  rights: ReadonlySet<string>;
}

const DAYS = [7, 30, 90, 365];
const FOR_EVER = -1;
const SYSTEM = { kind: "system", namespace: "/" };

export function grantsOf(robot: Robot): Grant[] {
  return (robot.permissions ?? []).map((p) => ({
    kind: p.kind, namespace: p.namespace, rights: new Set(p.access.map(rightName)),
  }));
}

/** The body that says of a robot what `grants` say. */
export function permissions(grants: Grant[]): Schemas["RobotPermission"][] {
  return grants.filter((g) => g.rights.size > 0).map((g) => ({
    kind: g.kind,
    namespace: g.namespace,
    access: [...g.rights].map((name) => {
      const at = name.lastIndexOf(":");
      return { resource: name.slice(0, at), action: name.slice(at + 1) };
    }),
  }));
}

/** The places that a new robot of a scope begins with; one that exists keeps what it has. */
function begin(scope: Scope, robot: Robot | undefined): Grant[] {
  const had = robot ? grantsOf(robot) : [];
  if (scope !== "system") return had.length ? had : [{ kind: "project", namespace: scope.name, rights: new Set() }];
  const system = had.find((g) => g.kind === "system") ?? { ...SYSTEM, rights: new Set<string>() };
  const rest = had.filter((g) => g.kind !== "system");
  return [...(rest.length || robot ? rest : [{ kind: "project", namespace: "*", rights: new Set<string>() }]), system];
}

/** Of a catalogue: rights on what this server delivers, and those that the robot has already. */
function offered(catalogue: Right[], resources: string[] | null | undefined, had: ReadonlySet<string>): Right[] {
  return catalogue.filter((right) => resources?.includes(right.resource ?? "") || had.has(rightName(right)));
}

function catalogueFor(robot: Robot | undefined, all: Catalogue): Catalogue {
  const had = (system: boolean) => new Set((robot ? grantsOf(robot) : [])
    .filter((g) => (g.kind === "system") === system).flatMap((g) => [...g.rights]));
  const can = capabilities.value;
  return {
    system: offered(all.system ?? [], can.system_resources, had(true)),
    project: offered(all.project ?? [], can.project_resources, had(false)),
  };
}

function Expiry({ days, onChange }: { days: number; onChange: (days: number) => void }) {
  const [own, setOwn] = useState(days !== FOR_EVER && !DAYS.includes(days));
  const choose = (value: string) => {
    setOwn(value === "own");
    if (value !== "own") onChange(Number(value));
  };
  return (
    <>
      <Field label={t("robot.expiry")} hint={t("robot.expiry.hint")}>
        {(a) => (
          <select {...a} class="form-select" value={own ? "own" : String(days)} onChange={(e) => choose(e.currentTarget.value)}>
            {DAYS.map((n) => <option key={n} value={String(n)}>{t("robot.expiry.days", { n })}</option>)}
            <option value="own">{t("robot.expiry.own")}</option>
            <option value={String(FOR_EVER)}>{t("robot.expiry.never")}</option>
          </select>
        )}
      </Field>
      {own && (
        <Field label={t("robot.expiry.number")}>
          {(a) => <input {...a} class="form-control" type="number" min={1} required value={days > 0 ? days : ""}
            onInput={(e) => onChange(Number(e.currentTarget.value))} />}
        </Field>
      )}
    </>
  );
}

function placeName(grant: Grant, scope: Scope): string {
  if (grant.kind === "system") return t("robot.rights.system");
  if (scope !== "system") return t("robot.rights.project");
  return grant.namespace === "*" ? t("robot.rights.everywhere") : t("robot.rights.in", { name: grant.namespace });
}

/** A project more, for robots of the system. */
function AddProject({ onAdd }: { onAdd: (name: string) => void }) {
  const [name, setName] = useState("");
  const id = useId();
  const found = useLoad(
    name.trim() && name.trim() !== "*"
      ? (signal) => ask(api.GET("/api/v2.0/projects", { params: { query: { name: name.trim(), page_size: 10 } }, signal }))
      : null,
    [name],
  );
  const add = () => {
    if (name.trim()) onAdd(name.trim());
    setName("");
  };
  return (
    <div class="mb-3">
      <label class="form-label" for={id}>{t("robot.rights.projectName")}</label>
      <div class="input-group">
        <input id={id} class="form-control" value={name} list={`${id}-list`} autocomplete="off"
          onInput={(e) => setName(e.currentTarget.value)}
          onKeyDown={(e) => { if (e.key === "Enter") { e.preventDefault(); add(); } }} />
        <datalist id={`${id}-list`}>
          {(found.data ?? []).map((p) => <option key={p.project_id} value={p.name ?? ""} />)}
        </datalist>
        <button type="button" class="btn btn-outline-secondary" disabled={!name.trim()} onClick={add}>
          {t("robot.rights.addProject")}
        </button>
      </div>
    </div>
  );
}

function Grants({ scope, catalogue, grants, onChange }: {
  scope: Scope;
  catalogue: Catalogue;
  grants: Grant[];
  onChange: (grants: Grant[]) => void;
}) {
  const add = (namespace: string) => {
    const there = grants.some((g) => g.kind === "project" && g.namespace === namespace);
    if (!there) onChange([{ kind: "project", namespace, rights: new Set() }, ...grants]);
  };
  return (
    <>
      {scope === "system" && <AddProject onAdd={add} />}
      {grants.map((grant, i) => {
        const name = placeName(grant, scope);
        return (
          <div class="grant" role="group" key={`${grant.kind} ${grant.namespace}`} aria-label={name}>
            <div class="grant-head">
              <span>{name}</span>
              {scope === "system" && grant.kind !== "system" && (
                <RowButton icon="close" label={`${t("robot.rights.drop")}: ${name}`}
                  onClick={() => onChange(grants.filter((g) => g !== grant))} />
              )}
            </div>
            <RightsMatrix label={name} presets={grant.kind !== "system"} chosen={grant.rights}
              catalogue={(grant.kind === "system" ? catalogue.system : catalogue.project) ?? []}
              onChange={(rights) => onChange(grants.map((g, k) => (k === i ? { ...g, rights } : g)))} />
          </div>
        );
      })}
    </>
  );
}

export function RobotForm({ scope, robot, onMade, onSaved, onClose }: {
  scope: Scope;
  /** The one to change; without it a new one is made. */
  robot?: Robot | undefined;
  onMade: (secret: Secret) => void;
  onSaved: () => void;
  onClose: () => void;
}) {
  const [name, setName] = useState("");
  const [description, setDescription] = useState(robot?.description ?? "");
  const [days, setDays] = useState(robot?.duration ?? 90);
  const [grants, setGrants] = useState(() => begin(scope, robot));
  const catalogue = useLoad((signal) => ask(api.GET("/api/v2.0/permissions", { signal })), []);
  const none = grants.every((g) => g.rights.size === 0);
  const submit = async () => {
    const body = {
      description, duration: days, level: scope === "system" ? "system" : "project", permissions: permissions(grants),
    };
    if (robot) {
      await ask(api.PUT("/api/v2.0/robots/{robot_id}", {
        params: { path: { robot_id: robot.id ?? 0 } }, body: { ...body, disable: robot.disable ?? false },
      }));
      say(t("robot.saved", { name: robot.name ?? "" }));
    } else {
      const made = await ask(api.POST("/api/v2.0/robots", { body: { ...body, name: name.trim() } }));
      say(t("robot.created", { name: made.name ?? "" }));
      onMade({ name: made.name ?? "", secret: made.secret ?? "" });
    }
    onSaved();
  };
  return (
    <FormDialog wide title={robot ? `${t("robot.edit")}: ${robot.name ?? ""}` : t("robot.create")}
      action={t(robot ? "save" : "create")} submit={submit} onClose={onClose}
      disabled={none || !(days === FOR_EVER || days >= 1) || (!robot && name.trim() === "")}>
      {!robot && (
        <Field label={t("name")} hint={t("robot.name.hint")}>
          {(a) => <input {...a} class="form-control" value={name} required autofocus autocomplete="off" spellcheck={false}
            onInput={(e) => setName(e.currentTarget.value)} />}
        </Field>
      )}
      <Field label={t("description")} hint={t("robot.description.hint")}>
        {(a) => <input {...a} class="form-control" value={description} autocomplete="off"
          onInput={(e) => setDescription(e.currentTarget.value)} />}
      </Field>
      <Expiry days={days} onChange={setDays} />
      <Loaded of={catalogue}>
        {(all) => <Grants scope={scope} catalogue={catalogueFor(robot, all)} grants={grants} onChange={setGrants} />}
      </Loaded>
      {none && <p class="text-body-secondary mb-0">{t("robot.rights.none")}</p>}
    </FormDialog>
  );
}
