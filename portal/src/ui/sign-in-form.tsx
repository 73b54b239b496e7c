// SPDX-License-Identifier: Apache-2.0
// Signing in: on a page of its own, and over the page on which a session ended.
import { useLocation } from "preact-iso";
import { useEffect, useState } from "preact/hooks";
import { ApiError } from "../api/client";
import { t } from "../i18n";
import { useAction } from "../lib/load";
import { signIn, user } from "../lib/session";
import { link } from "../lib/url";
import { Failure, Field } from "./basic";
import { Dialog } from "./dialog";

/** Seconds that are left of `wait`, which begins anew with each `since`. */
function useCountdown(wait: number, since: unknown): number {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    setLeft(wait);
    if (!wait) return;
    const timer = setInterval(() => setLeft((n) => Math.max(0, n - 1)), 1000);
    return () => clearInterval(timer);
  }, [since]);
  return left;
}

/** Why not, in words: the password, or too many of them, and then from when on. */
function Refusal({ error, left }: { error: unknown; left: number }) {
  if (!(error instanceof ApiError) || (error.status !== 401 && error.status !== 429)) return <Failure error={error} />;
  const text = error.status === 401 ? t("signIn.refused") : left > 0 ? t("signIn.wait", { n: left }) : t("signIn.waited");
  return <div class={`alert alert-${error.status === 401 ? "danger" : "warning"}`} role="alert">{text}</div>;
}

export function SignInForm({ principal = "", done }: { principal?: string | undefined; done?: () => void }) {
  const { busy, error, run } = useAction();
  const left = useCountdown(error instanceof ApiError && error.status === 429 ? Math.max(1, error.wait) : 0, error);
  const submit = async (e: Event) => {
    e.preventDefault();
    const form = new FormData(e.currentTarget as HTMLFormElement);
    if (await run(() => signIn(String(form.get("principal")), String(form.get("password"))))) done?.();
  };
  return (
    <form onSubmit={submit}>
      {error !== undefined && <Refusal error={error} left={left} />}
      <Field label={t("signIn.principal")}>
        {(a) => <input {...a} class="form-control" name="principal" autocomplete="username" required
          defaultValue={principal} autofocus={!principal} />}
      </Field>
      <Field label={t("signIn.password")}>
        {(a) => <input {...a} class="form-control" name="password" type="password" autocomplete="current-password"
          required autofocus={!!principal} />}
      </Field>
      <button type="submit" class="btn btn-primary w-100" disabled={busy || left > 0}>{t("signIn")}</button>
    </form>
  );
}

/**
 * Over the page, when a session has ended: what was written into the page stays, and what could not be had is asked
 * for again after the sign-in. Who closes it finds the same in a line above the page.
 */
export function SignInAgain() {
  const { url } = useLocation();
  const [open, setOpen] = useState(true);
  return (
    <>
      <div class="alert alert-warning d-flex flex-wrap gap-2 align-items-center" role="alert">
        <span class="flex-grow-1">{t("again.text")}</span>
        <button type="button" class="btn btn-sm btn-primary" onClick={() => setOpen(true)}>{t("again.action")}</button>
        <a class="btn btn-sm btn-outline-secondary" href={link("/sign-in", { next: url })}>{t("again.page")}</a>
      </div>
      {open && (
        <Dialog title={t("again.action")} onClose={() => setOpen(false)}>
          <div class="dialog-body">
            <p>{t("again.text")}</p>
            <SignInForm principal={user.value?.username ?? undefined} done={() => setOpen(false)} />
          </div>
        </Dialog>
      )}
    </>
  );
}
