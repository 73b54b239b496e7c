/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits: the ceiling of everything whose size a stranger chooses, with the reason.
 * Sizes are bytes and times milliseconds unless the name says otherwise.
 */
#ifndef HAVEN_BASE_LIMITS_H
#define HAVEN_BASE_LIMITS_H

#define KIB (1024ull)
#define MIB (1024ull * KIB)
#define GIB (1024ull * MIB)
#define TIB (1024ull * GIB)

/* OCI distribution asks registries to take manifests of at least 4 MiB, and that is the most that
 * containerd, containers/image and oras-go read. */
#define LIMIT_MANIFEST (4 * MIB)
/* Clients limit HOST/NAME:TAG to 255 characters. */
#define LIMIT_REPO_NAME 255
#define LIMIT_TAG       128
#define LIMIT_MEDIA_TYPE 255
/* Nesting of a JSON document from outside; the deepest real manifest has 6. */
#define LIMIT_JSON_DEPTH 64
/* Tags that one push may name (OCI distribution main: at least 10). */
#define LIMIT_TAGS_PER_PUSH 100
/* Descriptors in one manifest. */
#define LIMIT_DESCRIPTORS 10000
/* A page of a list. Larger wishes are clamped, not refused. */
#define LIMIT_PAGE 1000
/* containerd refuses a larger referrers answer; annotations are inlined, so bytes are counted. */
#define LIMIT_REFERRERS_BYTES (4 * MIB - 64 * KIB)
/* Ranges in one request (zstd:chunked pulls send some hundreds). */
#define LIMIT_RANGES 1024
/* One blob. */
#define LIMIT_BLOB (8 * TIB)

/* One request: head (the connection's memory), number of headers, its arena. */
#define LIMIT_HTTP_CONNECTION_MEMORY (32 * KIB)
#define LIMIT_HTTP_HEADERS           100
#define LIMIT_HTTP_URI               (8 * KIB)
#define LIMIT_HTTP_QUERY_PARAMS      256
#define LIMIT_REQUEST_ARENA          (24 * MIB)
/* A token request's form. */
#define LIMIT_FORM (16 * KIB)

/* A configuration file. */
#define LIMIT_CONFIG_FILE (1 * MIB)
/* A line of the log. */
#define LIMIT_LOG_LINE (8 * KIB)

/* A password: longer ones cost hashing time and protect nobody better. */
#define LIMIT_PASSWORD 128
#define LIMIT_USERNAME 255
#define LIMIT_TOKEN    (16 * KIB)

#endif
