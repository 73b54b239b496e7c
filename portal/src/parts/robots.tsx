// SPDX-License-Identifier: Apache-2.0
// Robots of a project or of the whole system: make, change, stop, take away; secrets are told once.
import { useState } from "preact/hooks";
import { api, ask, askPage } from "../api/client";
import { t } from "../i18n";
import { useLoad } from "../lib/load";
import { can, type Rights } from "../lib/session";
import { useQuery } from "../lib/url";
import "../style/parts.css";
import { Time } from "../ui/basic";
import { Confirm } from "../ui/dialog";
import { Icon } from "../ui/icon";
import { RowButton } from "../ui/row-button";
import { Filter, Pager, Table } from "../ui/table";
import { say } from "../ui/toast";
import { RobotForm, type Robot } from "./robot-form";
import { conditions, paging, word, type Scope } from "./scope";
import { SecretDialog, type Secret } from "./secret";
import { State } from "./state";

/** `expires_at` is in seconds; -1: never. */
function isOver(robot: Robot): boolean {
  const at = robot.expires_at ?? -1;
  return at > 0 && at * 1000 < Date.now();
}

function Rights({ of }: { of: Robot }) {
  const places = of.permissions ?? [];
  const n = places.reduce((sum, p) => sum + p.access.length, 0);
  const all = places.map((p) => {
    const rights = p.access.map((a) => `${word("thing", a.resource)}: ${word("right", a.action)}`).join(", ");
    return `${p.namespace} – ${rights}`;
  });
  return <span title={all.join("\n")}>{t("robot.rights.count", { n })}</span>;
}

type Asked = { what: "edit" | "disable" | "refresh" | "delete"; robot: Robot } | { what: "create" };

/** Asks before what cannot be undone or stops what runs. */
function Asking({ asked, reload, onSecret, onClose }: {
  asked: { what: "disable" | "refresh" | "delete"; robot: Robot };
  reload: () => void;
  onSecret: (secret: Secret) => void;
  onClose: () => void;
}) {
  const { what, robot } = asked;
  const name = robot.name ?? "";
  const params = { path: { robot_id: robot.id ?? 0 } };
  const work = async () => {
    if (what === "delete") {
      await ask(api.DELETE("/api/v2.0/robots/{robot_id}", { params }));
      say(t("robot.deleted", { name }));
    } else if (what === "disable") {
      await setDisabled(robot, true);
    } else {
      const made = await ask(api.PATCH("/api/v2.0/robots/{robot_id}", { params, body: { secret: "" } }));
      onSecret({ name, secret: made.secret ?? "" });
    }
    reload();
  };
  return (
    <Confirm title={t(`robot.${what}`)} action={t(what === "delete" ? "delete" : `robot.${what}`)}
      loses={t(`robot.${what}.loses`, { name })} work={work} onClose={onClose} />
  );
}

async function setDisabled(robot: Robot, disable: boolean): Promise<void> {
  await ask(api.PUT("/api/v2.0/robots/{robot_id}", {
    params: { path: { robot_id: robot.id ?? 0 } },
    body: {
      level: robot.level ?? "", description: robot.description ?? "", duration: robot.duration ?? -1, disable,
      permissions: robot.permissions ?? [],
    },
  }));
  say(t(disable ? "robot.disabled" : "robot.enabled", { name: robot.name ?? "" }));
}

/** `may`: what this person may do with "robot" there. */
export function Robots({ scope, may }: { scope: Scope; may: Rights["may"] }) {
  const query = useQuery();
  const [asked, setAsked] = useState<Asked>();
  const [secret, setSecret] = useState<Secret>();
  const of = scope === "system" ? 0 : scope.id;
  const name = query.one("q");
  const load = useLoad(
    (signal) => {
      const where: Record<string, string> = of ? { Level: "project", ProjectID: String(of) } : { Level: "system" };
      const asks = { ...conditions({ ...where, name: `~${name}` }), ...paging(query, "name") };
      return askPage(api.GET("/api/v2.0/robots", { params: { query: asks }, signal }));
    },
    [of, query.text],
  );
  const creates = can("CreateRobot") && may("robot", "create");
  const updates = can("UpdateRobot") && may("robot", "update");
  const refreshes = can("RefreshSec") && may("robot", "update");
  const deletes = can("DeleteRobot") && may("robot", "delete");
  const enable = (robot: Robot) => {
    setDisabled(robot, false).then(load.reload, (e: unknown) => say(e instanceof Error ? e.message : String(e)));
  };
  const close = () => setAsked(undefined);
  return (
    <>
      <p class="text-body-secondary">{t(of ? "robot.lead.project" : "robot.lead.system")}</p>
      <div class="toolbar">
        <Filter placeholder={t("robot.filter")} />
        {creates && (
          <span class="end">
            <button type="button" class="btn btn-primary" onClick={() => setAsked({ what: "create" })}>
              <Icon name="plus" /> {t("robot.create")}
            </button>
          </span>
        )}
      </div>
      <Table<Robot> load={load} caption={t("robot.title")} empty={t(name ? "robot.noneFound" : "robot.none")}
        rowKey={(x) => x.id ?? 0}
        columns={[
          { title: t("name"), sort: "name", cell: (x) => (
            <>
              <strong><Icon name="robot" /> {x.name}</strong>
              {x.description && <small class="d-block text-body-secondary">{x.description}</small>}
            </>
          ) },
          { title: t("robot.state"), cell: (x) =>
            x.disable ? <State tone="idle" icon="pause" text={t("robot.state.off")} />
            : isOver(x) ? <State tone="bad" text={t("robot.state.over")} />
            : <State tone="good" text={t("robot.state.on")} /> },
          { title: t("robot.rights"), cell: (x) => <Rights of={x} /> },
          { title: t("robot.expires"), cell: (x) => (
            <Time at={(x.expires_at ?? -1) > 0 ? new Date((x.expires_at ?? 0) * 1000).toISOString() : undefined} />
          ) },
          { title: t("created"), sort: "creation_time", minor: true, cell: (x) => <Time at={x.creation_time} /> },
        ]}
        {...(updates || refreshes || deletes ? {
          actions: (x: Robot) => x.editable !== false && (
            <>
              {updates && <RowButton icon="pencil" label={t("robot.edit.of", { name: x.name ?? "" })}
                onClick={() => setAsked({ what: "edit", robot: x })} />}
              {refreshes && <RowButton icon="key" label={t("robot.refresh.of", { name: x.name ?? "" })}
                onClick={() => setAsked({ what: "refresh", robot: x })} />}
              {updates && (x.disable
                ? <RowButton icon="play" label={t("robot.enable.of", { name: x.name ?? "" })} onClick={() => enable(x)} />
                : <RowButton icon="pause" label={t("robot.disable.of", { name: x.name ?? "" })}
                    onClick={() => setAsked({ what: "disable", robot: x })} />)}
              {deletes && <RowButton icon="trash" danger label={t("robot.delete.of", { name: x.name ?? "" })}
                onClick={() => setAsked({ what: "delete", robot: x })} />}
            </>
          ),
        } : {})} />
      {load.data && <Pager total={load.data.total} />}
      {asked && (asked.what === "create" || asked.what === "edit") && (
        <RobotForm scope={scope} robot={asked.what === "edit" ? asked.robot : undefined} onMade={setSecret}
          onSaved={load.reload} onClose={close} />
      )}
      {asked && asked.what !== "create" && asked.what !== "edit" && (
        <Asking asked={{ what: asked.what, robot: asked.robot }} reload={load.reload} onSecret={setSecret} onClose={close} />
      )}
      {secret && <SecretDialog of={secret} onClose={() => setSecret(undefined)} />}
    </>
  );
}
