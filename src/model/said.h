/* SPDX-License-Identifier: Apache-2.0 */
/*
 * said: what an artifact says of its model, in its config and in the annotations of its manifest.
 *
 * One table holds the members of all packagings: ModelPack and its drafts, Docker, Ollama, KitOps,
 * and the annotations of OCI. Values come from strangers and are taken as far as they are in the
 * grammar of their fact (model/facts.h); others are left out, with a warning where the packaging
 * promises that grammar.
 * Source: CNCF model-spec (model-config schema), OCI image-spec annotations, the draft of November
 * 2024, Docker's model-spec, Ollama's and KitOps's configs as they write them. Pure; any thread.
 */
#ifndef HAVEN_MODEL_SAID_H
#define HAVEN_MODEL_SAID_H

#include "model/facts.h"
#include "oci/manifest.h"

/* Sets the facts, which are not to be resolved: nothing follows from them. config: the document,
 * empty: there is none; what is no JSON object is a warning. */
void said_read(struct model_facts *f, const struct oci_manifest *m, struct str config);

#endif
