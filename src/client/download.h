/* SPDX-License-Identifier: Apache-2.0 */
/*
 * download: one blob from a registry into a partial file, verified while it is written.
 *
 * What the partial file holds already is hashed again (so that not even a lost page of a crashed
 * machine goes unnoticed) and the rest is asked for by range. A break is followed by another range;
 * content of another digest is thrown away, and asked for once more only if an old part was in it.
 */
#ifndef HAVEN_CLIENT_DOWNLOAD_H
#define HAVEN_CLIENT_DOWNLOAD_H

#include "client/place.h"
#include "client/transfer.h"
#include "client/transport.h"

struct download {
    struct transport *transport;
    const char *repo;
    struct transfer *transfer; /* counts the bytes */
    const struct place *place;
};

/* Returns a descriptor of the complete partial file, or -1: DIGEST_INVALID when the registry sends
 * other content, REMOTE, NETWORK, NO_SPACE … */
int download_blob(const struct download *d, const struct digest *digest, uint64_t size,
                  struct err *e);

#endif
