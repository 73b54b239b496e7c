/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signals: SIGINT and SIGTERM while a client command runs. The first one sets a flag that ends
 * every request and wait, so that what was begun is left in order; the second one ends the process
 * at once, which loses nothing either but the order.
 */
#ifndef HAVEN_CLI_SIGNALS_H
#define HAVEN_CLI_SIGNALS_H

#include <stdatomic.h>

/* From now on; a signal that was ignored when the program began stays ignored. Returns the flag. */
atomic_bool *signals_watch(void);
/* The signal that came first, 0: none. */
int signals_caught(void);

#endif
