// SPDX-License-Identifier: Apache-2.0
// Deletes a repository. The server is asked to stop where something is made from it or needs it; what that is, is shown
// before it goes all the same.
import { useState } from "preact/hooks";
import { api, ask, type Schemas } from "../../api/client";
import { t } from "../../i18n";
import { modelLink } from "../../lib/url";
import { Confirm } from "../../ui/dialog";
import { say } from "../../ui/toast";

interface Loser {
  project?: string;
  repository?: string;
  tags?: string[];
}

/** Who links to it, as the refusal of ?check_links=true tells. */
function losers(error: unknown): { links: Loser[]; truncated: boolean } | undefined {
  const detail = (error as { errors?: { detail?: { links?: Loser[]; truncated?: boolean } }[] } | undefined)?.errors?.[0]?.detail;
  return detail?.links ? { links: detail.links, truncated: detail.truncated === true } : undefined;
}

export function DeleteRepository({ project, repository, onGone, onClose }: {
  project: string;
  repository: Schemas["Repository"];
  onGone: () => void;
  onClose: () => void;
}) {
  const [linked, setLinked] = useState<ReturnType<typeof losers>>();
  const full = repository.name ?? "";
  const name = repository.display_name ?? full;
  const remove = (check: boolean) => api.DELETE("/api/v2.0/projects/{project_name}/repositories/{repository_name}", {
    params: {
      path: { project_name: project, repository_name: full.slice(project.length + 1) },
      query: check ? { check_links: true } : {},
    },
  });
  const gone = () => {
    say(t("repos.deleted", { name }));
    onGone();
  };
  const first = async () => {
    const answer = await remove(true);
    const found = answer.response.status === 412 ? losers(answer.error) : undefined;
    if (found) {
      setLinked(found);
      return false;
    }
    await ask(Promise.resolve(answer));
    gone();
    return true;
  };
  const second = async () => {
    await ask(remove(false));
    gone();
  };
  const loses = <p>{t("repos.delete.loses", { name, n: repository.artifact_count ?? 0 })}</p>;
  if (!linked)
    return <Confirm title={t("repos.delete")} action={t("delete")} type={name} loses={loses} work={first} onClose={onClose} />;
  return (
    <Confirm key="linked" title={t("repos.delete")} action={t("repos.delete.anyway")} work={second} onClose={onClose} loses={
      <>
        {loses}
        <p class="mb-1">{t("repos.delete.linked")}</p>
        <ul class="mb-0">
          {linked.links.map((l, i) => {
            const rest = (l.repository ?? "").slice((l.project ?? "").length + 1);
            const tag = l.tags?.[0] ?? "";
            return (
              <li key={i}>
                <a href={modelLink(l.project ?? "", rest, { tag })}>{l.repository}{tag && `:${tag}`}</a>
              </li>
            );
          })}
          {linked.truncated && <li>{t("repos.delete.more")}</li>}
        </ul>
      </>
    } />
  );
}
