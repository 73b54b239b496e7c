// SPDX-License-Identifier: Apache-2.0
// Small charts, drawn as SVG: bars that are rows of a table, and stacked columns with a table beside them.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { everyNth, ticks } from "../lib/scale";
import "../style/chart.css";

/** The colours of charts, by number: style/chart.css has eight. */
export const SERIES = 8;

export function series(n: number): string {
  return `series-${n % SERIES}`;
}

export interface Bar {
  name: string;
  value: number;
  /** What stands in the cells behind the bar. */
  cells: ComponentChildren[];
  /** The number of its colour; its place without one. */
  colour?: number;
}

/** Bars in a table: who cannot see them reads the numbers behind them. */
export function Bars({ title, head, name, bars, actions }: {
  title: string;
  /** What the column of names is called. */
  name: string;
  /** The titles of the cells; of three or more the first is left out on small screens. */
  head: string[];
  bars: Bar[];
  actions?: ComponentChildren;
}) {
  const most = Math.max(0, ...bars.map((b) => b.value));
  return (
    <figure class="chart">
      <figcaption><h3>{title}</h3>{actions}</figcaption>
      <table class="bars">
        <thead>
          <tr>
            <th scope="col">{name}</th>
            <td class="bar-cell" />
            {head.map((h, k) => <th scope="col" class={`end ${k === 0 && head.length > 2 ? "least" : ""}`} key={h}>{h}</th>)}
          </tr>
        </thead>
        <tbody>
          {bars.map((bar, i) => (
            <tr key={bar.name} class={series(bar.colour ?? i)}>
              <th scope="row"><span class="bar-name">{bar.name}</span></th>
              <td class="bar-cell">
                <svg aria-hidden="true">
                  <rect class="chart-fill" width={`${most > 0 ? Math.max(0.5, (bar.value / most) * 100) : 0}%`} height="100%" rx="2" />
                </svg>
              </td>
              {bar.cells.map((cell, k) => (
                <td class={`end ${k === 0 && head.length > 2 ? "least" : ""}`} key={head[k]}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}

/** How wide an element is, as long as it is shown. */
function useWidth(): [{ current: HTMLDivElement | null }, number] {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const box = ref.current;
    if (!box) return;
    const measure = () => setWidth(box.clientWidth);
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(box);
    return () => watch.disconnect();
  }, []);
  return [ref, width];
}

export interface Column {
  /** Below the column. */
  label: string;
  /** In full: in the table, and when one points at it. */
  name: string;
  /** One for each series. */
  values: number[];
}

export interface Series {
  name: string;
  colour: number;
}

const LEFT = 56;
const BOTTOM = 20;

function Drawing({ columns, keys, show, width, height, label }: {
  columns: Column[];
  keys: Series[];
  show: (n: number) => string;
  width: number;
  height: number;
  label: string;
}) {
  const sums = columns.map((c) => c.values.reduce((a, b) => a + b, 0));
  const lines = ticks(Math.max(0, ...sums));
  const top = lines[lines.length - 1] ?? 1;
  const inner = { width: Math.max(1, width - LEFT), height: height - BOTTOM };
  const y = (n: number) => inner.height - (n / top) * inner.height;
  const each = inner.width / Math.max(1, columns.length);
  const gap = each > 4 ? Math.min(6, each * 0.2) : 0;
  const longest = Math.max(0, ...columns.map((c) => c.label.length));
  const nth = everyNth(columns.length, longest * 6.5 + 10, inner.width);
  return (
    <svg viewBox={`0 0 ${width} ${height}`} height={height} role="img" aria-label={label}>
      {lines.map((n) => (
        <g key={n}>
          <line class="chart-line" x1={LEFT} x2={width} y1={y(n)} y2={y(n)} />
          <text class="chart-text" x={LEFT - 8} y={y(n) + 4} text-anchor="end">{show(n)}</text>
        </g>
      ))}
      {columns.map((column, i) => {
        const x = LEFT + i * each;
        let below = 0;
        return (
          <g class="chart-column" key={column.name}>
            <title>{[column.name, ...keys.map((k, s) => `${k.name}: ${show(column.values[s] ?? 0)}`)].join("\n")}</title>
            <rect class="chart-hit" x={x} y={0} width={each} height={inner.height} />
            {keys.map((k, s) => {
              const value = column.values[s] ?? 0;
              if (value <= 0) return null;
              below += value;
              // What is there is seen, however small it is.
              const tall = Math.max(1.5, y(below - value) - y(below));
              return (
                <rect key={k.name} class={`chart-piece ${series(k.colour)}`} x={x + gap / 2} width={Math.max(1, each - gap)}
                  y={y(below - value) - tall} height={tall} />
              );
            })}
            {i % nth === 0 && (
              <text class="chart-text" x={x + each / 2} y={height - 5} text-anchor="middle">{column.label}</text>
            )}
          </g>
        );
      })}
    </svg>
  );
}

/** Columns, each a stack of the same series; the numbers stand in a table that can be opened. */
export function Columns({ title, name, columns, keys, show, exact = show, height = 200, label, actions }: {
  title: string;
  /** What a column stands for. */
  name: string;
  columns: Column[];
  keys: Series[];
  /** A value as it stands at the lines. */
  show: (n: number) => string;
  /** A value in the table. */
  exact?: (n: number) => string;
  height?: number;
  /** What the picture shows, in a sentence, for who hears the page. */
  label: string;
  actions?: ComponentChildren;
}) {
  const [ref, width] = useWidth();
  return (
    <figure class="chart">
      <figcaption><h3>{title}</h3>{actions}</figcaption>
      <div ref={ref}>
        {width > 0 && <Drawing columns={columns} keys={keys} show={show} width={width} height={height} label={label} />}
      </div>
      {keys.length > 1 && (
        <ul class="chart-keys">
          {keys.map((k) => <li key={k.name} class={`chart-key ${series(k.colour)}`}>{k.name}</li>)}
        </ul>
      )}
      <details>
        <summary>{t("chart.table")}</summary>
        <div class="chart-table" tabIndex={0} role="region" aria-label={title}>
          <table class="table table-sm mb-0">
            <caption class="visually-hidden">{title}</caption>
            <thead>
              <tr>
                <th scope="col">{name}</th>
                {keys.map((k) => <th scope="col" class="text-end" key={k.name}>{k.name}</th>)}
              </tr>
            </thead>
            <tbody>
              {columns.map((c) => (
                <tr key={c.name}>
                  <th scope="row">{c.name}</th>
                  {keys.map((k, s) => <td class="text-end" key={k.name}>{exact(c.values[s] ?? 0)}</td>)}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

/** A choice of a few, of which one counts. */
export function Choice<T extends string>({ label, of, chosen, choose }: {
  label: string;
  of: { value: T; text: string }[];
  chosen: T;
  choose: (value: T) => void;
}) {
  return (
    <div class="btn-group btn-group-sm" role="group" aria-label={label}>
      {of.map((o) => (
        <button type="button" key={o.value} class={`btn btn-outline-secondary ${o.value === chosen ? "active" : ""}`}
          aria-pressed={o.value === chosen} onClick={() => choose(o.value)}>{o.text}</button>
      ))}
    </div>
  );
}
