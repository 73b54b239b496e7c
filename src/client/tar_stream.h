/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tar_stream: the half of tarball.h that takes an archive from one end to the other.
 */
#ifndef HAVEN_CLIENT_TAR_STREAM_H
#define HAVEN_CLIENT_TAR_STREAM_H

#include "client/fetch.h"
#include "client/place.h"
#include "model/members.h"

/* With what archives are fetched. */
struct tarball {
    const struct download *download;
    struct transfer *transfer;
    const struct place *place;
    bool look; /* the directory was not empty: what is wanted may be there already */
};

/* Until every wanted member is in its partial file and the digest is right. DIGEST_INVALID,
 * MODEL_INVALID … */
int tar_stream(const struct tarball *t, const struct fetch_job *job, struct members *archive,
               struct err *e);

#endif
