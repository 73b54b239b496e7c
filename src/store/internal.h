/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of the store share. fs.c has the directory and the objects, session.c
 * the coming and going of upload sessions, upload.c what is done with an open one, state.c the form
 * in which one is remembered.
 *
 * Threads: the table of open sessions is guarded by store.lock; everything else in a session
 * belongs to the one thread that has it open, except `seen`, which anyone may read.
 */
#ifndef HAVEN_STORE_INTERNAL_H
#define HAVEN_STORE_INTERNAL_H

#include "store/state.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>

#define STORE_TABLE_SIZE 256
#define STORE_SHARDS     256
/* Written back early in steps of this size, and the state noted at each. */
#define STORE_STEP (8ull << 20)
/* "<uuid>/state" and a NUL, with room. */
#define STORE_PATH_MAX 80

struct store {
    int dir;                                          /* of the data, borrowed */
    int objects;                                      /* blobs/sha256 */
    int uploads;                                      /* uploads */
    int trash;                                        /* trash */
    uint8_t boot[STATE_BOOT_SIZE];                    /* zeros when the system does not tell */
    _Atomic uint64_t shards_known[STORE_SHARDS / 64]; /* made, and their making is durable */
    pthread_mutex_t lock;
    struct store_upload *open[STORE_TABLE_SIZE]; /* sessions in use, chained by next */
};

struct store_upload {
    struct store *store;
    struct store_upload *next;
    struct store_upload_info info;
    struct state st;       /* as of info.offset; st.scope holds info.scope */
    _Atomic uint64_t seen; /* info.offset, for other threads */
    bool known;            /* scope and seen are set; guarded by store.lock */
    bool transient;
    bool failed;       /* an error that may have lost bytes: it never commits, and goes at close */
    bool dirty;        /* the state file does not say what st says */
    bool long_file;    /* the file may be longer than the offset */
    bool moved;        /* the data has become an object */
    bool dirs_durable; /* the session's directory entries were synced */
    int data_fd, state_fd; /* -1 until needed */
    uint64_t written_back; /* early writeback was started up to here */
    uint64_t checkpoint;   /* the bytes before it are on the disk */
    unsigned keep;         /* the slot of the state file that is not to be overwritten now */
    uint64_t slot_max;     /* no slot of the state file counts more bytes than this */
    struct state opened;   /* as of the opening, for store_upload_rewind */
};

/* ---- fs.c ---- */
/* "ab/<hex>" for an object. */
void store_object_path(const struct digest *object, char out[STORE_PATH_MAX]);
/* Makes sure that the shard of the object exists durably, and opens it: a descriptor or -1. */
int store_shard_open(struct store *s, const struct digest *object, struct err *e);

/* ---- session.c ---- */
/* Opens the session's data file, making it if it is missing. */
int store_session_data(struct store_upload *u, struct err *e);
void store_session_data_path(const struct store_upload *u, char out[STORE_PATH_MAX]);
/* Writes the state into the next slot. durable: syncs the data before and the state after it. */
int store_session_save(struct store_upload *u, bool durable, struct err *e);
/* Is it, by its name, a session or a transient one's file, and if it has a state file, one of which
 * a slot is whole? Without opening it: another process may have it open. */
bool store_session_sound(const struct store *s, const char *name);
/* Removes the session's files and forgets it; u is freed. */
void store_session_remove(struct store_upload *u);

#endif
