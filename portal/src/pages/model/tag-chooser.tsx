// SPDX-License-Identifier: Apache-2.0
// Which version is shown: all that have a tag, found by a part of it, newest first.
import { useState } from "preact/hooks";
import { t } from "../../i18n";
import { useLoad } from "../../lib/load";
import { modelLink, useQuery } from "../../lib/url";
import { Empty, Loaded, Time } from "../../ui/basic";
import { Icon } from "../../ui/icon";
import { Menu } from "../../ui/menu";
import type { ModelAt } from "./at";
import { listVersions } from "./read";

const SIZE = 15;

/** Text of a person as a condition of a list: its own marks would be read as such. */
export function condition(text: string): string {
  return text.replace(/[,{}()[\]~*=]/g, "");
}

function Tags({ at }: { at: ModelAt }) {
  const query = useQuery();
  const [typed, setTyped] = useState("");
  const [asked, setAsked] = useState({ part: "", page: 1 });
  const { part, page } = asked;
  const found = useLoad(
    (signal) =>
      listVersions(at, { q: part ? `tags=~${condition(part)}` : "tags=*", sort: "-push_time", page, page_size: SIZE }, signal),
    [part, page],
  );
  const last = Math.ceil((found.data?.total ?? 0) / SIZE);
  const href = (tag: string) => modelLink(at.project, at.repository, { tag, tab: query.one("tab") });
  const submit = (e: Event) => {
    e.preventDefault();
    setAsked({ part: typed.trim(), page: 1 });
  };
  return (
    <div class="tag-list">
      <form role="search" onSubmit={submit}>
        <input class="form-control form-control-sm" type="search" value={typed} placeholder={t("model.findTag")}
          aria-label={t("model.findTag")} onInput={(e) => setTyped(e.currentTarget.value)} />
      </form>
      <Loaded of={found}>
        {(data) =>
          data.items.length === 0 ? (
            <Empty icon="tag">{t("model.noTag")}</Empty>
          ) : (
            <ul>
              {data.items.flatMap((a) =>
                (a.tags ?? []).filter((tag) => (tag.name ?? "").toLowerCase().includes(part.toLowerCase())).map((tag) => (
                  <li key={tag.name}>
                    <a href={href(tag.name ?? "")} aria-current={a.digest === at.reference ? "true" : undefined}>
                      <span>{tag.name} {a.digest === at.reference && <Icon name="check" />}</span>
                      <small><Time at={a.push_time} /></small>
                    </a>
                  </li>
                )),
              )}
            </ul>
          )
        }
      </Loaded>
      {last > 1 && (
        <div class="tag-pages" onClick={(e) => e.stopPropagation()}>
          <button type="button" disabled={page <= 1} onClick={() => setAsked({ part, page: page - 1 })}>
            {t("pager.previous")}
          </button>
          <button type="button" disabled={page >= last} onClick={() => setAsked({ part, page: page + 1 })}>
            {t("pager.next")}
          </button>
        </div>
      )}
    </div>
  );
}

export function TagChooser({ at }: { at: ModelAt }) {
  const query = useQuery();
  const [open, setOpen] = useState(false);
  const names = (at.artifact.tags ?? []).map((tag) => tag.name ?? "");
  const shown = names.includes(query.one("tag")) ? query.one("tag") : (names[0] ?? t("model.untagged"));
  return (
    <Menu onToggle={setOpen}
      label={<><span class="visually-hidden">{t("model.chooseTag")} </span><Icon name="tag" /> {shown} {names.length > 1 && <small>+{names.length - 1}</small>} <Icon name="chevronDown" /></>}>
      {open && <Tags at={at} />}
    </Menu>
  );
}
