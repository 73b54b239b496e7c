/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upkeep: what a running server does by the clock, on a thread of its own: removing uploads that
 * nobody finished. The main thread calls upkeep_tick; a run that is not over is not started again.
 */
#ifndef HAVEN_SERVER_UPKEEP_H
#define HAVEN_SERVER_UPKEEP_H

#include "server/app.h"

struct upkeep;

struct upkeep *upkeep_new(struct server_app *app); /* app outlives it */
void upkeep_free(struct upkeep *u);                /* waits for a run in progress */
/* When upkeep_tick wants to be called (monotonic). */
int64_t upkeep_due_ms(const struct upkeep *u);
void upkeep_tick(struct upkeep *u, int64_t now_ms);

#endif
