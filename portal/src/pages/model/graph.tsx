// SPDX-License-Identifier: Apache-2.0
// The graph as a picture: lines are SVG, nodes are links over it, in the order in which one goes through them with the keyboard.
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { t } from "../../i18n";
import { layout, type Placed } from "../../lib/layers";
import { Icon, type IconName } from "../../ui/icon";
import { type Edge, type Node, nodeLink, nodeText, relationText } from "./lineage";

const WIDTH = 210;
const HEIGHT = 58;
const ACROSS = 120;
const DOWN = 26;
const EDGE = 8;
// A graph that is a little too wide is drawn smaller, as long as it can be read.
const SMALLEST = 0.7;

interface Point {
  x: number;
  y: number;
}

/** The middle of a place. */
function middle({ layer, row }: Placed): Point {
  return { x: EDGE + layer * (WIDTH + ACROSS) + WIDTH / 2, y: EDGE + row * (HEIGHT + DOWN) + HEIGHT / 2 };
}

/** A line from what depends (right) to what it depends on (left), through the places between them. */
function line(from: Placed, through: Placed[], to: Placed): { d: string; label: Point } {
  const back = from.layer < to.layer;
  const flat = from.layer === to.layer;
  const a = middle(from);
  const b = middle(to);
  const start = { x: a.x + (back || flat ? WIDTH / 2 : -WIDTH / 2), y: a.y };
  const end = { x: b.x + (back ? -WIDTH / 2 : WIDTH / 2) + (back ? -7 : 7), y: b.y };
  const points = [start, ...through.map(middle), end];
  let d = `M ${start.x} ${start.y}`;
  for (let i = 1; i < points.length; i++) {
    const p = points[i - 1]!;
    const q = points[i]!;
    const bend = flat ? 60 : (q.x - p.x) / 2;
    d += flat ? ` C ${p.x + bend} ${p.y}, ${q.x + bend} ${q.y}, ${q.x} ${q.y}`
      : ` C ${p.x + bend} ${p.y}, ${q.x - bend} ${q.y}, ${q.x} ${q.y}`;
  }
  // In the gap before the first node or place: nearer to what depends, where lines are apart.
  const second = points[1]!;
  return { d, label: { x: start.x + (second.x - start.x) * 0.5 + (flat ? 45 : 0), y: start.y + (second.y - start.y) * 0.5 } };
}

function icon(node: Node, dataset: boolean): IconName {
  if (!node.resolved) return "globe";
  if (dataset) return "folder";
  return node.type === "CNAI" ? "cpu" : node.type === "IMAGE" ? "box" : "file";
}

function Box({ node, root, dataset, place }: { node: Node; root: boolean; dataset: boolean; place: Placed }) {
  const at = middle(place);
  const where = { left: `${at.x - WIDTH / 2}px`, top: `${at.y - HEIGHT / 2}px`, width: `${WIDTH}px`, height: `${HEIGHT}px` };
  const second = node.resolved
    ? [node.project, node.tags?.[0] ?? (node.digest ?? "").slice(0, 15)].filter(Boolean).join(" · ")
    : t("lineage.absent");
  const inside = (
    <>
      <Icon name={icon(node, dataset)} />
      <span class="graph-words">
        <strong>{nodeText(node)}</strong>
        <small>{second}</small>
      </span>
    </>
  );
  const kind = `graph-node ${root ? "graph-root" : ""} ${node.resolved ? "" : "graph-absent"} ${dataset ? "graph-dataset" : ""}`;
  const href = root ? undefined : nodeLink(node);
  const title = [nodeText(node), node.repository, dataset ? t("relation.dataset") : ""].filter(Boolean).join("\n");
  return href ? (
    <a class={kind} style={where} href={href} title={title}>{inside}</a>
  ) : (
    <div class={kind} style={where} title={title} {...(root ? { "aria-current": "true" } : {})}>{inside}</div>
  );
}

/** Several links between the same two are one line with all their names. */
function merged(edges: Edge[]): { from: number; to: number; names: string; manual: boolean }[] {
  const lines = new Map<string, Edge[]>();
  for (const e of edges) {
    const key = `${e.from} ${e.to}`;
    lines.set(key, [...(lines.get(key) ?? []), e]);
  }
  return [...lines.values()].map((of) => ({
    from: of[0]?.from ?? 0,
    to: of[0]?.to ?? 0,
    names: [...new Set(of.map((e) => relationText(e.relation)))].join(", "),
    manual: of.every((e) => e.source === "manual"),
  }));
}

export function GraphPicture({ graph }: { graph: Schemas["Graph"] }) {
  const box = useRef<HTMLDivElement>(null);
  const inside = useRef<HTMLDivElement>(null);
  const nodes = graph.nodes ?? [];
  const lines = useMemo(() => merged(graph.edges ?? []), [graph]);
  const placed = useMemo(() => layout(nodes.map((n) => n.id ?? 0), lines), [graph]);
  const datasets = new Set((graph.edges ?? []).filter((e) => e.relation === "dataset").map((e) => e.to));
  const width = placed.layers * (WIDTH + ACROSS) - ACROSS + 2 * EDGE;
  const height = placed.rows * (HEIGHT + DOWN) - DOWN + 2 * EDGE;
  const root = placed.places.get(graph.root ?? 0);
  useEffect(() => {
    const view = box.current;
    const all = inside.current;
    if (!view || !all) return;
    let seen = false;
    const fit = () => {
      const style = getComputedStyle(view);
      const room = view.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
      const zoom = Math.min(1, Math.max(SMALLEST, room / width));
      all.style.setProperty("zoom", String(zoom));
      // Who opens a large graph sees the model that it is about; what somebody has scrolled to stays.
      if (seen || !root) return;
      seen = true;
      const at = middle(root);
      view.scrollLeft = at.x * zoom - view.clientWidth / 2;
      view.scrollTop = at.y * zoom - view.clientHeight / 2;
    };
    const observer = new ResizeObserver(fit);
    observer.observe(view);
    return () => observer.disconnect();
  }, [placed]);
  const inOrder = [...nodes].sort((a, b) => {
    const p = placed.places.get(a.id ?? 0);
    const q = placed.places.get(b.id ?? 0);
    return (p?.layer ?? 0) - (q?.layer ?? 0) || (p?.row ?? 0) - (q?.row ?? 0);
  });
  return (
    <>
      <div class="graph" ref={box} tabIndex={0} role="group" aria-label={t("lineage.picture", { n: nodes.length })}>
        <div class="graph-inside" ref={inside} style={{ width: `${width}px`, height: `${height}px` }}>
          <svg width={width} height={height} aria-hidden="true">
            <defs>
              <marker id="graph-arrow" viewBox="0 0 8 8" refX="1" refY="4" markerWidth="7" markerHeight="7" orient="auto">
                <path class="graph-arrow" d="M 0 0 L 8 4 L 0 8 z" />
              </marker>
            </defs>
            {lines.map((l, i) => {
              const from = placed.places.get(l.from);
              const to = placed.places.get(l.to);
              if (!from || !to || l.from === l.to) return null;
              const { d, label } = line(from, placed.routes[i] ?? [], to);
              return (
                <g key={`${l.from} ${l.to}`}>
                  <path class={`graph-line ${l.manual ? "graph-manual" : ""}`} d={d} marker-end="url(#graph-arrow)" />
                  <text class="graph-label" x={label.x} y={label.y + 4} text-anchor="middle">{l.names}</text>
                </g>
              );
            })}
          </svg>
          {inOrder.map((n) => {
            const place = placed.places.get(n.id ?? 0);
            return place && (
              <Box key={n.id} node={n} place={place} root={n.id === graph.root} dataset={datasets.has(n.id)} />
            );
          })}
        </div>
      </div>
      <p class="form-text">{t("lineage.legend")}</p>
    </>
  );
}
