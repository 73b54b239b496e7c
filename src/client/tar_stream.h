/* SPDX-License-Identifier: Apache-2.0 */
/* tar_stream: the half of tarball that takes an archive from one end to the other. */
#ifndef HAVEN_CLIENT_TAR_STREAM_H
#define HAVEN_CLIENT_TAR_STREAM_H

#include "client/tarball.h"

/* DIGEST_INVALID, MODEL_INVALID … */
int tar_stream(const struct tarball *t, const struct fetch_job *job, struct members *archive,
               struct err *e);

#endif
