// SPDX-License-Identifier: Apache-2.0
// How each kind of client gets an artifact: one row a client, whatever the server says can pull from it.
import { info } from "../../lib/session";
import { fileUrl } from "../../api/client";
import type { ModelAt, ModelContent } from "./at";

export interface What {
  /** HOST/PROJECT/REPOSITORY:TAG or …@DIGEST */
  reference: string;
  host: string;
  /** The last part of the name, for directories. */
  name: string;
  /** The registry is spoken to without TLS. */
  plain: boolean;
  /** A file of the model; "": it has none that can be fetched by itself. */
  file: string;
  fileUrl: string;
  kind: "model" | "image" | "other";
}

export interface Consumer {
  name: string;
  kinds: What["kind"][];
  commands: (w: What) => string[];
}

const flag = (w: What, text: string) => (w.plain ? ` ${text}` : "");
/** haven and modctl speak to the machine they run on without TLS by themselves. */
const here = (w: What) => /^(localhost|127\.0\.0\.1|\[::1\])(:|$)/.test(w.host);
/** A word as a shell takes it. */
const word = (text: string) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, `'\\''`)}'`);

const CONSUMERS: Record<string, Consumer> = {
  haven: {
    name: "haven",
    kinds: ["model", "image", "other"],
    commands: (w) => {
      const more = w.plain && !here(w) ? " --plain-http" : "";
      return w.kind === "model"
        ? [`haven pull${more} ${w.reference} ./${word(w.name)}`]
        : [`haven cp${more} ${w.reference} oci:./${word(w.name)}`];
    },
  },
  modctl: {
    name: "modctl",
    kinds: ["model"],
    commands: (w) => [`modctl pull${flag(w, "--plain-http")} ${w.reference} --extract-from-remote --extract-dir ./${word(w.name)}`],
  },
  oras: {
    name: "ORAS",
    kinds: ["model", "image", "other"],
    commands: (w) => [`oras copy${flag(w, "--from-plain-http")} ${w.reference} --to-oci-layout ./${word(w.name)}:latest`],
  },
  podman: {
    name: "Podman",
    kinds: ["model", "image"],
    commands: (w) =>
      w.kind === "image"
        ? [`podman pull${flag(w, "--tls-verify=false")} ${w.reference}`]
        : [
            `podman artifact pull${flag(w, "--tls-verify=false")} ${w.reference}`,
            `podman run --rm --mount type=artifact,src=${w.reference},dst=/models IMAGE`,
          ],
  },
  kubernetes: {
    name: "Kubernetes",
    kinds: ["model", "image"],
    commands: (w) => [
      w.kind === "image"
        ? `containers:\n  - name: ${w.name}\n    image: ${w.reference}`
        : `# an image volume: where the feature gate ImageVolume is on\nspec:\n  containers:\n    - name: server\n      image: IMAGE\n` +
          `      volumeMounts:\n        - name: model\n          mountPath: /models\n          readOnly: true\n` +
          `  volumes:\n    - name: model\n      image:\n        reference: ${w.reference}\n        pullPolicy: IfNotPresent`,
    ],
  },
  http: {
    name: "HTTP",
    kinds: ["model"],
    commands: (w) => (w.file ? [`curl --fail --location --remote-name --user USER ${word(w.fileUrl)}`] : []),
  },
};

/** Those of `names`, in that order, that can do something with it. */
export function consumers(names: string[], kind: What["kind"]): { id: string; consumer: Consumer }[] {
  return names.flatMap((id) => {
    const consumer = CONSUMERS[id];
    return consumer?.kinds.includes(kind) ? [{ id, consumer }] : [];
  });
}

export function kindOf(at: ModelAt): What["kind"] {
  if (at.artifact.type === "CNAI" || at.model?.weights) return "model";
  return at.artifact.type === "IMAGE" || at.artifact.type === "WASM" ? "image" : "other";
}

/** Files that the server gives out by themselves: of compressed layers those that it unpacked, which have a digest then. */
export function isServed(at: ModelAt, file: NonNullable<ModelContent["files"]>[number]): boolean {
  const plain = file.encoding === "raw" || file.encoding === "tar";
  const text = file.file === at.model?.readme || (at.model?.licenses ?? []).includes(file.file ?? "");
  return !!file.file && !!file.looked_into && (plain || text || !!file.digest);
}

export function whatOf(at: ModelAt, tag: string, file: string): What {
  const host = info.value.registry_url || location.host;
  const full = at.artifact.repository_name ?? `${at.project}/${at.repository}`;
  const address = fileUrl(at.project, at.repository, tag || at.reference, file);
  return {
    host,
    reference: `${host}/${full}${tag ? `:${tag}` : `@${at.reference}`}`,
    name: full.slice(full.lastIndexOf("/") + 1),
    plain: location.protocol === "http:",
    file,
    fileUrl: file ? new URL(address, info.value.external_url || location.origin).href : "",
    kind: kindOf(at),
  };
}
