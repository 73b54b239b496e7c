// SPDX-License-Identifier: Apache-2.0
// Parts of a page that are fetched when they are first shown; the rest of the page stands meanwhile.
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Failure, Loading } from "../ui/basic";

export function later(from: () => Promise<{ default: ComponentType }>): ComponentType {
  let known: ComponentType | undefined;
  return function Later() {
    const [Part, setPart] = useState<{ it: ComponentType } | undefined>(known && { it: known });
    const [error, setError] = useState<unknown>();
    const fetch = () => {
      setError(undefined);
      from().then((m) => {
        known = m.default;
        setPart({ it: m.default });
      }, setError);
    };
    useEffect(() => {
      if (!known) fetch();
    }, []);
    if (error !== undefined) return <Failure error={error} retry={fetch} />;
    return Part ? <Part.it /> : <Loading />;
  };
}
