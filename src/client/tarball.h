/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarball: a layer that is a tar archive, fetched without a copy of it on the disk.
 *
 * A large archive of large members is walked: a few small ranges give its headers, then it is
 * fetched in pieces as any other blob, each byte going where the spread says (spread.h). Others,
 * and those of a registry without ranges, are streamed: one request, from one end to the other.
 * Either way all that is not content is kept in the partial file ".head". A stream that was killed
 * goes on from there: the head says what the archive is, the members' files hold the content, and
 * all of it is hashed again.
 */
#ifndef HAVEN_CLIENT_TARBALL_H
#define HAVEN_CLIENT_TARBALL_H

#include "client/tar_stream.h"

/* Archives up to this size are streamed, and those whose members are smaller on average than
 * TARBALL_MEMBER_MIN. */
#define TARBALL_STREAM_MAX (64ull << 20)
#define TARBALL_MEMBER_MIN (4ull << 20)

/* For fetch.begin. 1: it is complete (archive has the members; those in place are present). 0:
 * job->spread is filled; *ret_extents is what it stands on, to be freed after. */
int tarball_begin(const struct tarball *t, struct fetch_job *job, struct members *archive,
                  struct spread_extent **ret_extents, struct err *e);

#endif
