/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver: what the parts of db/ need of the driver beyond db.h. Not for other directories.
 */
#ifndef HAVEN_DB_DRIVER_H
#define HAVEN_DB_DRIVER_H

#include "db/db.h"

/* Before anything else of SQLite; repeated calls are welcome. */
void db_driver_init(void);
/* db_open without the migrations. */
int db_driver_open(int data_dir, const char *name, enum db_set set, struct db **ret, struct err *e);
enum db_set db_driver_set(const struct db *db);
/* What messages call it; borrowed. */
const char *db_driver_path(const struct db *db);
/* Runs several statements without parameters or results (migrations). */
int db_conn_script(struct db_conn *c, const char *sql, struct err *e);
/* A cursor over the rows of a statement that is not in the catalogue. name: for messages. */
int db_conn_query(struct db_conn *c, const char *name, const char *sql, struct db_args args,
                  struct db_rows *ret, struct err *e);
/* Is there a table of this name? *ret_others: are there any other tables? */
int db_conn_has_table(struct db_conn *c, const char *name, bool *ret_has, bool *ret_others,
                      struct err *e);

#endif
