// SPDX-License-Identifier: Apache-2.0
// A part of a page whose script is fetched when it is first shown.
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Failure, Loading } from "../ui/basic";

export function later<P extends object>(fetchIt: () => Promise<{ default: ComponentType<P> }>): ComponentType<P> {
  let Known: ComponentType<P> | undefined;
  return function Later(props: P) {
    const [error, setError] = useState<unknown>();
    const [round, setRound] = useState(0);
    const [, setThere] = useState(!!Known);
    useEffect(() => {
      let wanted = true;
      if (!Known)
        fetchIt().then(
          (part) => {
            Known = part.default;
            if (wanted) setThere(true);
          },
          (e: unknown) => wanted && setError(e),
        );
      return () => {
        wanted = false;
      };
    }, [round]);
    const retry = () => {
      setError(undefined);
      setRound(round + 1);
    };
    return error !== undefined ? <Failure error={error} retry={retry} /> : Known ? <Known {...props} /> : <Loading />;
  };
}
