/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold: keeps stored objects from being removed while somebody copies the data directory.
 *
 * DATA/hold is locked with flock: shared by whoever needs the objects of a moment to stay (a
 * backup, a check), exclusively by the collector while it takes objects away. The kernel gives the
 * lock up with the process, so that a killed backup holds nothing. It works between processes.
 */
#ifndef HAVEN_STORE_HOLD_H
#define HAVEN_STORE_HOLD_H

#include "base/err.h"

#define STORE_HOLD_FILE "hold"

/* dir: descriptor of the data directory (borrowed). Both give a descriptor that the caller closes
 * to let go; -1 with error.
 * store_hold_keep waits for a collector that is taking objects away, a batch at most. */
int store_hold_keep(int dir, int *ret_fd, struct err *e);
/* One collection at a time, in whatever process: 1 it is yours, 0 another one runs, -1 error. */
int store_hold_collection(int dir, int *ret_fd, struct err *e);
/* 1 taken, 0 somebody keeps them at present, -1 error. */
int store_hold_remove(int dir, int *ret_fd, struct err *e);

#endif
