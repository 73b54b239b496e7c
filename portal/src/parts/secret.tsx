// SPDX-License-Identifier: Apache-2.0
// A secret that the server tells once: it goes when the dialog does.
import { t } from "../i18n";
import "../style/parts.css";
import { Command, Copy } from "../ui/basic";
import { Dialog } from "../ui/dialog";
import { registryHost, shellWord } from "./host";

export interface Secret {
  name: string;
  secret: string;
}

export function SecretDialog({ of, onClose }: { of: Secret; onClose: () => void }) {
  const login = (program: string) => `${program} login -u ${shellWord(of.name)} ${registryHost()}`;
  return (
    <Dialog title={t("robot.secret.title", { name: of.name })} onClose={onClose}>
      <div class="dialog-body">
        <div class="alert alert-warning" role="status">{t("robot.secret.once")}</div>
        <dl class="secret">
          <dt>{t("robot.secret.name")}</dt>
          <dd><code>{of.name}</code> <Copy text={of.name} label={`${t("copy")}: ${t("robot.secret.name")}`} /></dd>
          <dt>{t("robot.secret.secret")}</dt>
          <dd><code>{of.secret}</code> <Copy text={of.secret} label={`${t("copy")}: ${t("robot.secret.secret")}`} /></dd>
        </dl>
        <p class="mb-2">{t("robot.secret.login")}</p>
        <div class="d-grid gap-2">
          <Command text={login("haven")} />
          <Command text={login("docker")} />
        </div>
      </div>
      <div class="dialog-foot">
        <button type="button" class="btn btn-primary" onClick={onClose}>{t("robot.secret.kept")}</button>
      </div>
    </Dialog>
  );
}
