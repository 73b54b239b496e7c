// SPDX-License-Identifier: Apache-2.0
// What a model is made of and what is made of it, as a picture and as a list; links can be set by hand.
import { useState } from "preact/hooks";
import { api, ask, type Schemas } from "../../api/client";
import { t, type Key } from "../../i18n";
import { useLoad } from "../../lib/load";
import { can } from "../../lib/session";
import { modelLink, useQuery } from "../../lib/url";
import { Empty, Field, Loaded } from "../../ui/basic";
import { Choice } from "../../ui/chart";
import { Confirm, FormDialog } from "../../ui/dialog";
import { Icon } from "../../ui/icon";
import { say } from "../../ui/toast";
import type { ModelAt } from "./at";
import type { TabProps } from "./tabs";
import { GraphPicture } from "./graph";
import "../../style/model-tabs.css";

export type Node = Schemas["GraphNode"];
export type Edge = Schemas["GraphEdge"];

const RELATIONS = ["base", "finetune", "adapter", "quantized", "merge", "dataset", "related"];
const NAMED = [...RELATIONS, "subject", "member"];
const DEPTHS = [1, 2, 3, 4, 5];
const PATH = "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}";

export function relationText(name: string | null | undefined): string {
  return name && NAMED.includes(name) ? t(`relation.${name}` as Key) : (name ?? "");
}

/** What a node is called: its title, else its repository (without its project), else the name that somebody wrote. */
export function nodeText(node: Node): string {
  const project = node.project ? `${node.project}/` : "";
  const name = node.title || node.repository || node.name || node.digest || "?";
  return project && name.toLowerCase().startsWith(project) ? name.slice(project.length) : name;
}

/** The page of a node; what is not here, or may not be seen, has none. */
export function nodeLink(node: Node): string | undefined {
  if (!node.resolved || !node.project || !node.repository) return undefined;
  const tag = node.tags?.[0];
  return modelLink(node.project, node.repository.slice(node.project.length + 1), {
    ...(tag ? { tag } : { digest: node.digest ?? "" }), tab: "lineage",
  });
}

function AddLink({ at, done, close }: { at: ModelAt; done: () => void; close: () => void }) {
  const [target, setTarget] = useState("");
  const [relation, setRelation] = useState("base");
  const words = target.trim();
  const similar = useLoad(
    can("listModels") && words.length > 1 && !/[:@]/.test(words)
      ? (signal) => ask(api.GET("/api/v2.0/models", { params: { query: { q: words.replace(/\//g, " "), page_size: 8 } }, signal }))
      : null,
    [words],
  );
  const add = async () => {
    await ask(api.POST(`${PATH}/links`, {
      params: { path: { project_name: at.project, repository_name: at.repository, reference: at.reference } },
      body: { target: words, relation },
    }));
    say(t("lineage.added", { target: words }));
    done();
  };
  return (
    <FormDialog title={t("lineage.add")} action={t("add")} submit={add} onClose={close} disabled={!words}>
      <Field label={t("lineage.relation")} hint={t(`relation.${relation}.hint` as Key)}>
        {(a) => (
          <select {...a} class="form-select" value={relation} onChange={(e) => setRelation(e.currentTarget.value)}>
            {RELATIONS.map((r) => <option key={r} value={r}>{relationText(r)}</option>)}
          </select>
        )}
      </Field>
      <Field label={t("lineage.target")} hint={t("lineage.target.hint")}>
        {(a) => (
          <>
            <input {...a} class="form-control" required maxLength={512} value={target} list="lineage-similar" autocomplete="off"
              spellcheck={false} onInput={(e) => setTarget(e.currentTarget.value)} />
            <datalist id="lineage-similar">
              {(similar.data ?? []).map((m) => <option key={`${m.repository}@${m.digest}`} value={m.repository ?? ""} />)}
            </datalist>
          </>
        )}
      </Field>
    </FormDialog>
  );
}

function RemoveLink({ at, edge, done, close }: { at: ModelAt; edge: Edge; done: () => void; close: () => void }) {
  const work = async () => {
    await ask(api.DELETE(`${PATH}/links/{link_id}`, {
      params: {
        path: {
          project_name: at.project, repository_name: at.repository, reference: at.reference, link_id: edge.link_id ?? 0,
        },
      },
    }));
    say(t("lineage.removed", { target: edge.target ?? "" }));
    done();
  };
  return (
    <Confirm title={t("lineage.remove")} action={t("remove")} work={work} onClose={close}
      loses={t("lineage.remove.loses", { relation: relationText(edge.relation), target: edge.target ?? "" })} />
  );
}

function NodeName({ node }: { node: Node | undefined }) {
  if (!node) return null;
  const href = nodeLink(node);
  return href ? <a href={href}>{nodeText(node)}</a> : (
    <span>{nodeText(node)} <span class="text-body-secondary">({t("lineage.absent")})</span></span>
  );
}

/** The same as the picture, one line for each link. */
function List({ graph, remove }: { graph: Schemas["Graph"]; remove?: (edge: Edge) => void }) {
  const nodes = new Map((graph.nodes ?? []).map((n) => [n.id, n]));
  return (
    <div class="table-responsive" tabIndex={0} role="region" aria-label={t("lineage.list")}>
      <table class="table table-hover align-middle">
        <caption class="visually-hidden">{t("lineage.list")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("lineage.from")}</th>
            <th scope="col">{t("lineage.relation")}</th>
            <th scope="col">{t("lineage.to")}</th>
            <th scope="col" class="minor">{t("lineage.source")}</th>
            {remove && <th scope="col"><span class="visually-hidden">{t("actions")}</span></th>}
          </tr>
        </thead>
        <tbody>
          {(graph.edges ?? []).map((edge, i) => (
            <tr key={`${i} ${edge.from} ${edge.to}`}>
              <td><NodeName node={nodes.get(edge.from)} /></td>
              <td>{relationText(edge.relation)}</td>
              <td><NodeName node={nodes.get(edge.to)} /></td>
              <td class="minor">{edge.source ? t(`lineage.source.${edge.source}` as Key) : ""}</td>
              {remove && (
                <td class="text-end row-actions">
                  {!!edge.link_id && edge.from === graph.root && (
                    <button type="button" class="btn btn-sm btn-outline-danger" onClick={() => remove(edge)}
                      aria-label={t("lineage.remove.of", { target: edge.target ?? "" })}>
                      <Icon name="trash" />
                    </button>
                  )}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

type Direction = "both" | "up" | "down";

export default function Lineage({ at }: TabProps) {
  const query = useQuery();
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Edge>();
  const asked = query.one("direction");
  const direction: Direction = asked === "up" || asked === "down" ? asked : "both";
  const depth = DEPTHS.includes(Number(query.one("depth"))) ? Number(query.one("depth")) : 2;
  const graph = useLoad(
    (signal) =>
      ask(api.GET(`${PATH}/graph`, {
        params: {
          path: { project_name: at.project, repository_name: at.repository, reference: at.reference },
          query: { direction, depth },
        },
        signal,
      })),
    [at.reference, direction, depth],
  );
  const may = at.rights.may("artifact", "create");
  return (
    <>
      <div class="toolbar">
        <Choice<Direction> label={t("lineage.direction")} chosen={direction}
          of={[
            { value: "both", text: t("lineage.both") }, { value: "up", text: t("lineage.up") },
            { value: "down", text: t("lineage.down") },
          ]}
          choose={(d) => query.set({ direction: d === "both" ? "" : d })} />
        <label class="d-flex align-items-center gap-2">
          <span class="text-body-secondary text-nowrap">{t("lineage.depth")}</span>
          <select class="form-select form-select-sm" value={String(depth)}
            onChange={(e) => query.set({ depth: e.currentTarget.value === "2" ? "" : e.currentTarget.value })}>
            {DEPTHS.map((d) => <option key={d} value={d}>{d}</option>)}
          </select>
        </label>
        {may && can("createLink") && (
          <span class="end">
            <button type="button" class="btn btn-sm btn-outline-secondary" onClick={() => setAdding(true)}>
              <Icon name="plus" /> {t("lineage.add")}
            </button>
          </span>
        )}
      </div>
      <Loaded of={graph}>
        {(data) =>
          (data.edges ?? []).length === 0 ? (
            <Empty icon="share">{t(direction === "both" ? "lineage.empty" : "lineage.none")}</Empty>
          ) : (
            <>
              {data.truncated && <div class="alert alert-info" role="status">{t("lineage.truncated")}</div>}
              <GraphPicture graph={data} />
              <h3 class="mt-4">{t("lineage.list")}</h3>
              <List graph={data} {...(may && can("deleteLink") ? { remove: setRemoving } : {})} />
            </>
          )
        }
      </Loaded>
      {adding && <AddLink at={at} done={graph.reload} close={() => setAdding(false)} />}
      {removing && <RemoveLink at={at} edge={removing} done={graph.reload} close={() => setRemoving(undefined)} />}
    </>
  );
}
