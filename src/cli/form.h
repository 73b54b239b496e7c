/* SPDX-License-Identifier: Apache-2.0 */
/* form: in which form a model is packed, as push and build are told. */
#ifndef HAVEN_CLI_FORM_H
#define HAVEN_CLI_FORM_H

#include "cli/command.h"
#include "client/pack_dir.h"

/* Rows of the options table. */
#define FORM_OPTIONS                                                                               \
    {.name = "form",                                                                               \
     .metavar = "FORM",                                                                            \
     .help = "modelpack (default), or cnai-image: an image that podman, containerd and "           \
             "Kubernetes mount."},                                                                 \
    {                                                                                              \
        .name = "tar", .help = "Make each layer a tar archive of its file."                        \
    }

/* USAGE. */
int form_read(const struct cli *c, enum pack_form *ret, struct err *e);

#endif
