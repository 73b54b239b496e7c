// SPDX-License-Identifier: Apache-2.0
// What a page asks of the server, with the three states that every list has: on its way, there, failed.
import { signal } from "@preact/signals";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

const rounds = signal(0);

/** Everything that is shown is asked for again: somebody has signed in on the page. */
export function askAgain(): void {
  rounds.value++;
}

export interface Load<T> {
  /** What came last; stays while the next is on its way. */
  data: T | undefined;
  error: unknown;
  loading: boolean;
  reload: () => void;
}

/**
 * Asks when the page is shown, when one of `deps` changes and when reload() is called. `from` is given a signal that
 * tells it that nobody waits any more. With `from` null nothing is asked.
 */
export function useLoad<T>(from: ((signal: AbortSignal) => Promise<T>) | null, deps: unknown[]): Load<T> {
  const [state, setState] = useState<Omit<Load<T>, "reload">>({ data: undefined, error: undefined, loading: !!from });
  const [round, setRound] = useState(0);
  const last = useRef(from);
  last.current = from;
  useEffect(() => {
    if (!last.current) {
      setState({ data: undefined, error: undefined, loading: false });
      return;
    }
    const stop = new AbortController();
    setState((s) => ({ ...s, error: undefined, loading: true }));
    last.current(stop.signal).then(
      (data) => !stop.signal.aborted && setState({ data, error: undefined, loading: false }),
      (error: unknown) => !stop.signal.aborted && setState({ data: undefined, error, loading: false }),
    );
    return () => stop.abort();
  }, [...deps, round, rounds.value, !from]);
  return { ...state, reload: useCallback(() => setRound((n) => n + 1), []) };
}

/** For what changes something: busy while it runs; a failure is kept until the next try. */
export function useAction(): {
  busy: boolean;
  error: unknown;
  run: (work: () => Promise<void>) => Promise<boolean>;
  clear: () => void;
} {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  // What was refused for want of a sign-in can be tried again after one.
  useEffect(() => setError(undefined), [rounds.value]);
  const run = async (work: () => Promise<void>) => {
    setBusy(true);
    setError(undefined);
    try {
      await work();
      return true;
    } catch (e) {
      setError(e);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, run, clear: () => setError(undefined) };
}
