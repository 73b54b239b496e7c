// SPDX-License-Identifier: Apache-2.0
// Labels of a project or of the whole system: make, change, take away.
import { useState } from "preact/hooks";
import { api, ask, askPage, type Schemas } from "../api/client";
import { t } from "../i18n";
import { useLoad } from "../lib/load";
import { can, type Rights } from "../lib/session";
import { useQuery } from "../lib/url";
import "../style/parts.css";
import { Chip, Field, Time } from "../ui/basic";
import { Confirm, FormDialog } from "../ui/dialog";
import { Icon } from "../ui/icon";
import { RowButton } from "../ui/row-button";
import { Filter, Pager, Table } from "../ui/table";
import { say } from "../ui/toast";
import { paging, type Scope } from "./scope";

type Label = Schemas["Label"];

/** Told apart by most people, also side by side; any other can be chosen. */
const COLORS = ["#0b7285", "#2b8a3e", "#e67700", "#c92a2a", "#862e9c", "#364fc7", "#5c940d", "#495057"];

function ColorField({ value, onChange }: { value: string; onChange: (color: string) => void }) {
  return (
    <fieldset class="mb-3">
      <legend class="form-label">{t("label.color")}</legend>
      <div class="colors">
        {COLORS.map((color) => (
          <label key={color} class="color" style={{ background: color }} title={color}>
            <input type="radio" name="color" class="visually-hidden" value={color} checked={value === color}
              aria-label={t("label.color.pick", { color })} onChange={() => onChange(color)} />
            {value === color && <Icon name="check" />}
          </label>
        ))}
        <input type="color" class="form-control form-control-color" value={value} title={t("label.color.own")}
          aria-label={t("label.color.own")} onInput={(e) => onChange(e.currentTarget.value)} />
      </div>
    </fieldset>
  );
}

function LabelDialog({ scope, label, onSaved, onClose }: {
  scope: Scope;
  /** The one to change; without it a new one is made. */
  label?: Label | undefined;
  onSaved: () => void;
  onClose: () => void;
}) {
  const [name, setName] = useState(label?.name ?? "");
  const [description, setDescription] = useState(label?.description ?? "");
  const [color, setColor] = useState(label?.color || COLORS[0]!);
  const where = scope === "system" ? { scope: "g" } : { scope: "p", project_id: scope.id };
  const submit = async () => {
    const body = { name: name.trim(), description, color, ...where };
    if (label)
      await ask(api.PUT("/api/v2.0/labels/{label_id}", { params: { path: { label_id: label.id ?? 0 } }, body }));
    else await ask(api.POST("/api/v2.0/labels", { body }));
    say(t(label ? "label.saved" : "label.created", { name: body.name }));
    onSaved();
  };
  return (
    <FormDialog title={t(label ? "label.edit" : "label.create")} action={t(label ? "save" : "create")} submit={submit}
      onClose={onClose} disabled={name.trim() === ""}>
      <Field label={t("name")} hint={t("label.name.hint")}>
        {(a) => <input {...a} class="form-control" value={name} maxLength={128} required autofocus autocomplete="off"
          onInput={(e) => setName(e.currentTarget.value)} />}
      </Field>
      <Field label={t("description")}>
        {(a) => <input {...a} class="form-control" value={description} autocomplete="off"
          onInput={(e) => setDescription(e.currentTarget.value)} />}
      </Field>
      <ColorField value={color} onChange={setColor} />
      <Chip color={color}>{name.trim() || t("label.label")}</Chip>
    </FormDialog>
  );
}

/** `may`: what this person may do with "label" there. */
export function Labels({ scope, may }: { scope: Scope; may: Rights["may"] }) {
  const query = useQuery();
  const [edited, setEdited] = useState<Label | "new">();
  const [doomed, setDoomed] = useState<Label>();
  const of = scope === "system" ? 0 : scope.id;
  const name = query.one("q");
  const load = useLoad(
    (signal) => {
      const where = of ? { scope: "p", project_id: of } : { scope: "g" };
      const asked = { ...where, ...(name ? { name } : {}), ...paging(query, "name") };
      return askPage(api.GET("/api/v2.0/labels", { params: { query: asked }, signal }));
    },
    [of, query.text],
  );
  const creates = can("CreateLabel") && may("label", "create");
  const updates = can("UpdateLabel") && may("label", "update");
  const deletes = can("DeleteLabel") && may("label", "delete");
  return (
    <>
      <p class="text-body-secondary">{t(of ? "label.lead.project" : "label.lead.system")}</p>
      <div class="toolbar">
        <Filter placeholder={t("label.filter")} />
        {creates && (
          <span class="end">
            <button type="button" class="btn btn-primary" onClick={() => setEdited("new")}>
              <Icon name="plus" /> {t("label.create")}
            </button>
          </span>
        )}
      </div>
      <Table<Label> load={load} caption={t("label.title")} empty={t(name ? "label.noneFound" : "label.none")}
        rowKey={(x) => x.id ?? 0}
        columns={[
          { title: t("label.label"), sort: "name", cell: (x) => <Chip color={x.color || "#888"}>{x.name}</Chip> },
          { title: t("description"), cell: (x) => x.description },
          { title: t("created"), sort: "creation_time", minor: true, cell: (x) => <Time at={x.creation_time} /> },
        ]}
        {...(updates || deletes ? {
          actions: (x: Label) => (
            <>
              {updates && <RowButton icon="pencil" label={t("label.edit.of", { name: x.name ?? "" })} onClick={() => setEdited(x)} />}
              {deletes && <RowButton icon="trash" danger label={t("label.delete.of", { name: x.name ?? "" })} onClick={() => setDoomed(x)} />}
            </>
          ),
        } : {})} />
      {load.data && <Pager total={load.data.total} />}
      {edited && (
        <LabelDialog scope={scope} label={edited === "new" ? undefined : edited} onSaved={load.reload}
          onClose={() => setEdited(undefined)} />
      )}
      {doomed && (
        <Confirm title={t("label.delete")} action={t("delete")} loses={t("label.delete.loses", { name: doomed.name ?? "" })}
          work={async () => {
            await ask(api.DELETE("/api/v2.0/labels/{label_id}", { params: { path: { label_id: doomed.id ?? 0 } } }));
            say(t("label.deleted", { name: doomed.name ?? "" }));
            load.reload();
          }}
          onClose={() => setDoomed(undefined)} />
      )}
    </>
  );
}
