// SPDX-License-Identifier: Apache-2.0
// A text in Markdown that somebody wrote. Long ones come part by part, as the reader asks.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { useLoad } from "../lib/load";
import { cutAt, PART, toHtml } from "../lib/markdown";
import { sanitize, type Surroundings } from "../lib/sanitize";
import { Loading } from "./basic";

/** For texts that belong to no model: they hold no pictures, and lead to no files. */
const NOWHERE: Surroundings = {
  folder: "",
  fileLink: () => undefined,
  picture: () => undefined,
  outside: (alt, host) => t("markdown.picture", { alt, host }),
};

function Part({ text, around, taken }: { text: string; around: Surroundings; taken: Map<string, number> }) {
  const ref = useRef<HTMLDivElement>(null);
  const html = useLoad((signal) => toHtml(text, signal), [text]);
  useLayoutEffect(() => {
    if (html.data === undefined || !ref.current) return;
    ref.current.replaceChildren(sanitize(html.data, around, taken));
    // The address may name a heading, which was not there when the browser looked for it.
    const id = decodeURIComponent(location.hash.slice(1));
    if (id) ref.current.querySelector(`[id="${CSS.escape(id)}"]`)?.scrollIntoView();
  }, [html.data]);
  if (html.error !== undefined)
    return (
      <>
        <div class="alert alert-warning" role="status">{t("markdown.failed")}</div>
        <pre class="plain" tabIndex={0}>{text.slice(0, PART)}</pre>
      </>
    );
  return (
    <>
      {html.data === undefined && <Loading />}
      <div ref={ref} />
    </>
  );
}

export function Markdown({ text, around = NOWHERE }: { text: string; around?: Surroundings }) {
  const [shown, setShown] = useState(1);
  useEffect(() => setShown(1), [text]);
  const taken = useMemo(() => new Map<string, number>(), [text]);
  const parts = useMemo(() => {
    const all: string[] = [];
    for (let rest = text; rest; ) {
      const end = cutAt(rest, PART);
      all.push(rest.slice(0, end));
      rest = rest.slice(end);
    }
    return all;
  }, [text]);
  return (
    <div class="markdown">
      {parts.slice(0, shown).map((part, i) => <Part key={`${i} ${part.length}`} text={part} around={around} taken={taken} />)}
      {parts.length > shown && (
        <button type="button" class="btn btn-outline-secondary mt-3" onClick={() => setShown(shown + 1)}>
          {t("markdown.more", { n: Math.round((shown / parts.length) * 100) })}
        </button>
      )}
    </div>
  );
}
