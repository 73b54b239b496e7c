// SPDX-License-Identifier: Apache-2.0
// What a job writes, while it runs and afterwards.
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n";
import { useLoad } from "../lib/load";
import { usePoll } from "../lib/poll";
import { Loaded } from "../ui/basic";
import { Dialog } from "../ui/dialog";

export function JobLog({ id, read, live, onClose }: {
  id: number;
  read: (id: number, signal: AbortSignal) => Promise<string>;
  /** It still writes. */
  live: boolean;
  onClose: () => void;
}) {
  // A body without a byte is no text to the client of the API.
  const load = useLoad(async (signal) => (await read(id, signal)) || "", [id, live]);
  const end = useRef<HTMLPreElement>(null);
  usePoll(load.reload, 1500, live);
  useEffect(() => {
    if (live && end.current) end.current.scrollTop = end.current.scrollHeight;
  }, [load.data, live]);
  return (
    <Dialog title={t("jobs.log.of", { id: String(id) })} onClose={onClose} wide>
      <div class="dialog-body">
        {live && <p role="status"><span class="spinner-border spinner-border-sm" aria-hidden="true" /> {t("jobs.live")}</p>}
        <Loaded of={load}>
          {(text) => text.trim() === "" ? <p class="text-body-secondary mb-0">{t("jobs.log.empty")}</p>
            : <pre class="log" tabIndex={0} ref={end}>{text}</pre>}
        </Loaded>
      </div>
    </Dialog>
  );
}
