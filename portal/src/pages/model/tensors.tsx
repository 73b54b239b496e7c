// SPDX-License-Identifier: Apache-2.0
// The tensors of a model: what they come to, and each of them.
import { api, ask, askPage, type Schemas } from "../../api/client";
import { t, type Key } from "../../i18n";
import * as format from "../../lib/format";
import { useLoad } from "../../lib/load";
import { can } from "../../lib/session";
import { pageOf, useQuery } from "../../lib/url";
import { Bytes, Count, Empty, Loaded } from "../../ui/basic";
import { Bars, Choice, Columns } from "../../ui/chart";
import { type Column as TableColumn, Filter, Pager, Table } from "../../ui/table";
import type { TabProps } from "./tabs";
import "../../style/model-tabs.css";

type Tensor = Schemas["Tensor"];
type Sum = Schemas["TensorSum"];
type Summary = Schemas["TensorSummary"];

const PAGE = 50;
/** The parts of models in the order of their colours. */
const PARTS = ["embeddings", "attention", "mlp", "norm", "experts", "convolution", "head", "other"];
type Measure = "parameters" | "bytes";

function partText(name: string): string {
  return PARTS.includes(name) ? t(`tensors.part.${name}` as Key) : name;
}

/** Elements of a tensor; one for a single number. */
function elements(tensor: Tensor): number {
  return (tensor.shape ?? []).reduce((n, d) => n * d, 1);
}

function SumBars({ title, name, sums, measure, text }: {
  title: string;
  name: string;
  sums: Sum[];
  measure: Measure;
  text: (name: string) => { text: string; colour?: number };
}) {
  return (
    <Bars title={title} name={name} head={[t("tensors.count"), t("facet.parameters"), t("size")]}
      bars={sums.map((sum) => {
        const { text: label, colour } = text(sum.name ?? "");
        return {
          name: label,
          value: sum[measure] ?? 0,
          ...(colour === undefined ? {} : { colour }),
          cells: [format.number(sum.tensors ?? 0), <Count n={sum.parameters} />, <Bytes n={sum.bytes} />],
        };
      })} />
  );
}

/** A column for each block; those of the stack with most blocks, if there are several. */
function Blocks({ summary, measure }: { summary: Summary; measure: Measure }) {
  const query = useQuery();
  const blocks = summary.blocks ?? [];
  const stacks = new Map<string, number>();
  for (const b of blocks) stacks.set(b.stack ?? "", (stacks.get(b.stack ?? "") ?? 0) + 1);
  const sorted = [...stacks].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  const wanted = query.one("stack");
  const stack = sorted.includes(wanted) ? wanted : sorted[0];
  if (stack === undefined) return null;
  const shown = blocks.filter((b) => (b.stack ?? "") === stack);
  const there = PARTS.filter((p) => shown.some((b) => (b.parts ?? []).some((s) => s.name === p)));
  const show = measure === "bytes" ? format.bytes : format.count;
  return (
    <Columns title={t("tensors.blocks")} name={t("tensors.block")} show={show}
      exact={measure === "bytes" ? format.bytes : format.number}
      label={t("tensors.blocks.label", { n: shown.length, stack })}
      actions={sorted.length > 1 && (
        <select class="form-select form-select-sm w-auto" aria-label={t("tensors.stack")} value={stack}
          onChange={(e) => query.set({ stack: e.currentTarget.value }, true)}>
          {sorted.map((s) => <option key={s} value={s}>{s} ({format.number(stacks.get(s) ?? 0)})</option>)}
        </select>
      )}
      keys={there.map((p) => ({ name: partText(p), colour: PARTS.indexOf(p) }))}
      columns={shown.map((b) => ({
        label: String(b.number ?? 0),
        name: `${b.stack}.${b.number}`,
        values: there.map((p) => (b.parts ?? []).find((s) => s.name === p)?.[measure] ?? 0),
      }))} />
  );
}

function Charts({ summary }: { summary: Summary }) {
  const query = useQuery();
  const measure: Measure = query.one("by") === "bytes" ? "bytes" : "parameters";
  if (!summary.tensors) return null;
  const sums = summary.dtypes ?? [];
  const parts = [...(summary.parts ?? [])].sort((a, b) => PARTS.indexOf(a.name ?? "") - PARTS.indexOf(b.name ?? ""));
  return (
    <section aria-label={t("tensors.charts")}>
      <div class="toolbar">
        <span>
          {t("tensors.total", {
            n: summary.tensors, parameters: format.count(summary.parameters ?? 0), size: format.bytes(summary.bytes ?? 0),
          })}
        </span>
        <span class="end">
          <Choice label={t("tensors.measure")} chosen={measure}
            of={[{ value: "parameters", text: t("facet.parameters") }, { value: "bytes", text: t("size") }]}
            choose={(by) => query.set({ by: by === "bytes" ? by : "" }, true)} />
        </span>
      </div>
      <div class="chart-pair">
        <SumBars title={t("tensors.dtypes")} name={t("tensors.dtype")} sums={sums} measure={measure}
          text={(name) => ({ text: name || "?", colour: 0 })} />
        <SumBars title={t("tensors.parts")} name={t("tensors.part")} sums={parts} measure={measure}
          text={(name) => ({ text: partText(name), colour: PARTS.indexOf(name) })} />
      </div>
      <Blocks summary={summary} measure={measure} />
      {summary.truncated && <p class="form-text">{t("tensors.truncated")}</p>}
    </section>
  );
}

function Choose({ name, label, all, values }: { name: string; label: string; all: string; values: string[] }) {
  const query = useQuery();
  const chosen = query.one(name);
  if (values.length < 2 && !chosen) return null;
  return (
    <select class="form-select w-auto tensor-choice" aria-label={label} value={chosen}
      onChange={(e) => query.set({ [name]: e.currentTarget.value, page: "" })}>
      <option value="">{all}</option>
      {[...new Set([...values, ...(chosen ? [chosen] : [])])].map((v) => <option key={v} value={v}>{v}</option>)}
    </select>
  );
}

const COLUMNS: () => TableColumn<Tensor>[] = () => [
  { title: t("name"), cell: (x) => <code class="tensor-name">{x.name}</code> },
  { title: t("tensors.dtype"), cell: (x) => x.dtype },
  { title: t("tensors.shape"), cell: (x) => <span class="text-nowrap">{(x.shape ?? []).join(" × ") || t("tensors.scalar")}</span> },
  { title: t("facet.parameters"), end: true, minor: true, cell: (x) => <Count n={elements(x)} /> },
  { title: t("size"), end: true, cell: (x) => <Bytes n={x.bytes} /> },
  { title: t("tensors.file"), minor: true, cell: (x) => x.file },
];

export default function Tensors({ at }: TabProps) {
  const query = useQuery();
  const path = { project_name: at.project, repository_name: at.repository, reference: at.reference };
  const [file, name, dtype] = [query.one("file"), query.one("name"), query.one("dtype")];
  const page = pageOf(query);
  const summary = useLoad(
    can("getTensorSummary") && at.model
      ? (signal) =>
          ask(api.GET("/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/tensors/summary", {
            params: { path, query: file ? { file } : {} }, signal,
          }))
      : null,
    [at.reference, file, !!at.model],
  );
  const list = useLoad(
    at.model
      ? (signal) =>
          askPage(api.GET("/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/tensors", {
            params: {
              path,
              query: { page, page_size: PAGE, ...(file && { file }), ...(name && { name }), ...(dtype && { dtype }) },
            },
            signal,
          }))
      : null,
    [at.reference, file, name, dtype, page, !!at.model],
  );
  if (!at.model) return <Empty icon="cpu">{t("tensors.unread")}</Empty>;
  const files = ((at.model as { files?: { file?: string; tensor_count?: number }[] }).files ?? [])
    .filter((f) => (f.tensor_count ?? 0) > 0).map((f) => f.file ?? "");
  return (
    <>
      {can("getTensorSummary") && <Loaded of={summary}>{(sums) => <Charts summary={sums} />}</Loaded>}
      <div class="toolbar">
        <Filter name="name" placeholder={t("tensors.filter")} />
        <Choose name="dtype" label={t("tensors.dtype")} all={t("tensors.dtypes.all")}
          values={(summary.data?.dtypes ?? []).map((d) => d.name ?? "")} />
        <Choose name="file" label={t("tensors.file")} all={t("tensors.files.all")} values={files} />
      </div>
      <Table load={list} columns={COLUMNS()} rowKey={(x) => `${x.file} ${x.name} ${x.offset}`} caption={t("tensors.title")}
        empty={t(name || dtype || file ? "tensors.none" : "tensors.empty")} />
      {list.data && <Pager total={list.data.total} size={PAGE} />}
    </>
  );
}
