// SPDX-License-Identifier: Apache-2.0
// Dialogs: the browser's own, which keeps the focus inside and closes with Escape.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { useAction } from "../lib/load";
import { FormFailure } from "./field-errors";
import { Icon } from "./icon";

export function Dialog({ title, onClose, children, wide }: {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  wide?: boolean;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    if (dialog && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog ref={ref} class={`dialog ${wide ? "dialog-wide" : ""}`} aria-labelledby={id}
      onCancel={(e) => { e.preventDefault(); onClose(); }}>
      <div class="dialog-head">
        <h2 id={id}>{title}</h2>
        <button type="button" class="btn btn-sm" aria-label={t("close")} onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      {children}
    </dialog>
  );
}

/** Work of a dialog: it stays open after "false", and when something was thrown, which it tells. */
export type Work = () => Promise<void | boolean>;

/**
 * A form in a dialog: `submit` does the work; the dialog closes when it succeeded, and says why when not. What is wrong
 * with one of `fields` is left to the children, which are given the error, if they are a function.
 */
export function FormDialog({ title, action, danger, submit, onClose, children, disabled, wide, fields = [] }: {
  title: string;
  /** The word on the button. */
  action: string;
  danger?: boolean;
  submit: Work;
  onClose: () => void;
  children: ComponentChildren | ((error: unknown) => ComponentChildren);
  disabled?: boolean;
  wide?: boolean;
  fields?: string[];
}) {
  const { busy, error, run } = useAction();
  const send = async (e: Event) => {
    e.preventDefault();
    let stay = false;
    const done = await run(async () => {
      stay = (await submit()) === false;
    });
    if (done && !stay) onClose();
  };
  return (
    <Dialog title={title} onClose={onClose} {...(wide ? { wide } : {})}>
      <form onSubmit={send}>
        <div class="dialog-body">
          <FormFailure error={error} fields={fields} />
          {typeof children === "function" ? children(error) : children}
        </div>
        <div class="dialog-foot">
          <button type="button" class="btn btn-outline-secondary" onClick={onClose}>{t("cancel")}</button>
          <button type="submit" class={`btn ${danger ? "btn-danger" : "btn-primary"}`} disabled={busy || disabled}>
            {busy && <span class="spinner-border spinner-border-sm me-1" aria-hidden="true" />}
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/**
 * Asks before something is lost. `loses` names what; with `type` the person has to write that word, for what cannot be
 * had back.
 */
export function Confirm({ title, action, loses, type, work, onClose, disabled }: {
  title: string;
  action: string;
  loses: ComponentChildren;
  type?: string;
  work: Work;
  onClose: () => void;
  disabled?: boolean;
}) {
  const [typed, setTyped] = useState("");
  const id = useId();
  return (
    <FormDialog title={title} action={action} danger submit={work} onClose={onClose}
      disabled={disabled === true || (type !== undefined && typed !== type)}>
      <div>{loses}</div>
      {type !== undefined && (
        <div class="mt-3">
          <label class="form-label" for={id}>{t("confirm.type", { word: type })}</label>
          <input id={id} class="form-control" value={typed} autocomplete="off"
            onInput={(e) => setTyped(e.currentTarget.value)} />
        </div>
      )}
    </FormDialog>
  );
}
