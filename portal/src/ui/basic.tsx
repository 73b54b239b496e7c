// SPDX-License-Identifier: Apache-2.0
// Small pieces that every page uses.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { ApiError } from "../api/client";
import { t } from "../i18n";
import * as format from "../lib/format";
import type { Load } from "../lib/load";
import { Icon, type IconName } from "./icon";

/** The frame of a page: its title (also of the window), what stands beside it, its content. */
export function Page(props: {
  title: string;
  /** Shown in place of `title`. */
  heading?: ComponentChildren;
  lead?: ComponentChildren;
  /** A class for what looks different on such pages alone: style sheets stay when one goes on to others. */
  kind?: string;
  actions?: ComponentChildren;
  children: ComponentChildren;
}) {
  useEffect(() => {
    document.title = props.title ? `${props.title} · Haven` : "Haven";
  }, [props.title]);
  return (
    <div class={`page ${props.kind ?? ""}`}>
      <header class="page-head">
        <div class="page-title">
          <h1>{props.heading ?? props.title}</h1>
          {props.lead && <div class="text-body-secondary">{props.lead}</div>}
        </div>
        {props.actions && <div class="page-actions">{props.actions}</div>}
      </header>
      {props.children}
    </div>
  );
}

/** What happened and what to do, of an error that anything threw. */
export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const known = error instanceof ApiError ? error : undefined;
  const text = known
    ? known.status === 401
      ? t("error.signIn")
      : known.status === 403 && known.message === "forbidden" // it has nothing more to say of it
        ? t("error.forbidden")
        : known.message || t("error.status", { status: String(known.status) })
    : error instanceof TypeError
      ? t("error.network")
      : String(error instanceof Error ? error.message : error);
  return (
    <div class="alert alert-danger d-flex gap-2 align-items-start" role="alert">
      <Icon name="exclamation" />
      <div class="flex-grow-1">
        {text}
        {known?.request && known.status >= 500 && (
          <div class="small">{t("error.request", { id: known.request })}</div>
        )}
      </div>
      {retry && (
        <button type="button" class="btn btn-sm btn-outline-danger" onClick={retry}>
          {t("retry")}
        </button>
      )}
    </div>
  );
}

export function Loading() {
  return (
    <div class="loading" role="status">
      <span class="spinner-border spinner-border-sm" aria-hidden="true" /> {t("loading")}
    </div>
  );
}

export function Empty({ children, icon = "box" }: { children: ComponentChildren; icon?: IconName }) {
  return (
    <div class="empty">
      <Icon name={icon} />
      <div>{children}</div>
    </div>
  );
}

/** One of the three states of what was asked; the content is drawn when it is there. */
export function Loaded<T>({ of, children }: { of: Load<T>; children: (data: T) => ComponentChildren }) {
  if (of.error !== undefined) return <Failure error={of.error} retry={of.reload} />;
  if (of.data === undefined) return <Loading />;
  return <div aria-busy={of.loading}>{children(of.data)}</div>;
}

export function Bytes({ n }: { n: number | null | undefined }) {
  const size = n ?? 0;
  return <span title={`${format.number(size)} B`}>{format.bytes(size)}</span>;
}

export function Count({ n }: { n: number | null | undefined }) {
  return <span title={format.number(n ?? 0)}>{format.count(n ?? 0)}</span>;
}

/** How long ago, with the exact time at hand. */
export function Time({ at }: { at: string | null | undefined }) {
  if (format.isNever(at)) return <span class="text-body-secondary">{t("never")}</span>;
  return (
    <time dateTime={at!} title={format.time(at!)}>
      {format.ago(at!)}
    </time>
  );
}

export function Digest({ of }: { of: string | null | undefined }) {
  if (!of) return null;
  return (
    <span class="digest">
      <code title={of}>{format.shortDigest(of)}</code>
      <Copy text={of} label={t("copy.digest")} />
    </span>
  );
}

/** Copies a text; says so, also to who hears the page. */
export function Copy({ text, label }: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without TLS browsers have no clipboard: the old way.
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return (
    <button type="button" class="btn btn-sm btn-copy" onClick={copy} title={label ?? t("copy")}
      aria-label={label ?? t("copy")}>
      <Icon name={done ? "check" : "clipboard"} />
      <span class="visually-hidden" aria-live="polite">{done ? t("copied") : ""}</span>
    </button>
  );
}

/** A command to copy. */
export function Command({ text }: { text: string }) {
  return (
    <div class="command">
      <pre tabIndex={0}>{text}</pre>
      <Copy text={text} label={t("copy.command")} />
    </div>
  );
}

export function Chip(props: { children: ComponentChildren; href?: string | undefined; icon?: IconName; color?: string;
  title?: string | undefined; }) {
  const inside = (
    <>
      {props.icon && <Icon name={props.icon} />}
      {props.color && <span class="dot" style={{ background: props.color }} />}
      {props.children}
    </>
  );
  return props.href ? (
    <a class="chip" href={props.href} title={props.title}>{inside}</a>
  ) : (
    <span class="chip" title={props.title}>{inside}</span>
  );
}

/** Tabs that are links: the address says which is open. */
export function Tabs({ tabs, open, label }: {
  tabs: { id: string; text: string; href: string; count?: number | undefined }[];
  open: string;
  label: string;
}) {
  return (
    <nav aria-label={label}>
      <ul class="nav nav-underline tabs">
        {tabs.map((tab) => (
          <li class="nav-item" key={tab.id}>
            <a class={`nav-link ${tab.id === open ? "active" : ""}`} href={tab.href}
              aria-current={tab.id === open ? "page" : undefined}>
              {tab.text}
              {tab.count !== undefined && <span class="badge text-bg-secondary ms-1">{format.number(tab.count)}</span>}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** How much of something is used. Without a limit no bar. */
export function Usage({ used, hard, label }: { used: number; hard: number; label: string }) {
  if (hard <= 0) return <Bytes n={used} />;
  const share = Math.min(100, Math.round((used / hard) * 100));
  const tone = share >= 95 ? "bg-danger" : share >= 85 ? "bg-warning" : "";
  return (
    <div class="usage">
      <div class="progress" role="progressbar" aria-label={label} aria-valuenow={share} aria-valuemin={0}
        aria-valuemax={100}>
        <div class={`progress-bar ${tone}`} style={{ width: `${share}%` }} />
      </div>
      <small>
        {t("usage", { used: format.bytes(used), hard: format.bytes(hard), share })}
      </small>
    </div>
  );
}

/** A label and its control, with a hint; `children` is given the id to use. */
export function Field({ label, hint, children }: {
  label: string;
  hint?: ComponentChildren;
  children: (attributes: { id: string; "aria-describedby"?: string }) => ComponentChildren;
}) {
  const id = useId();
  return (
    <div class="mb-3">
      <label class="form-label" for={id}>{label}</label>
      {children(hint ? { id, "aria-describedby": `${id}-hint` } : { id })}
      {hint && <div class="form-text" id={`${id}-hint`}>{hint}</div>}
    </div>
  );
}
