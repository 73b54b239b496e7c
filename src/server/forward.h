/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forward: sends the audit log on to a syslog server, in order, from where it stood at its last
 * success; what cannot be sent waits in the database. With "skip_audit_log_database" an entry goes
 * when it was sent. A thread of its own.
 */
#ifndef HAVEN_SERVER_FORWARD_H
#define HAVEN_SERVER_FORWARD_H

#include "access/setting.h"

struct forward;
int forward_start(struct db *db, struct settings *settings, struct forward **ret, struct err *e);
void forward_stop(struct forward *f); /* NULL is welcome */

#endif
