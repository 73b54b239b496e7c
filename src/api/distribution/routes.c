/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OCI distribution protocol (distribution-spec 1.1 and its main branch), one row an operation.
 * The end-points' numbers are those of the specification's table.
 */
#include "api/distribution/distribution.h"

#include "base/limits.h"

static const struct http_route routes[] = {
    /* end-1 */
    {.method = HTTP_GET, .pattern = "/v2/", .name = "registry.ping", .permission = PERM_LOGIN,
     .handler = distribution_ping, .doc = "Say that this is a registry, and who may use it."},
    {.method = HTTP_GET, .pattern = "/v2", .name = "registry.ping.bare", .permission = PERM_LOGIN,
     .handler = distribution_ping, .doc = "The same, for clients that leave out the last slash."},
    {.method = HTTP_GET, .pattern = "/v2/_catalog", .name = "catalog.list",
     .permission = PERM_CATALOG, .handler = distribution_catalog,
     .doc = "List repositories in bytewise order; n and last page, Link leads on."},
    {.method = HTTP_GET, .pattern = "/v2/_oci/ext/discover", .name = "extensions.list",
     .permission = PERM_LOGIN, .handler = distribution_extensions,
     .doc = "List the extensions of the registry."},
    /* end-2, end-10 */
    {.method = HTTP_GET, .pattern = "/v2/{name...}/blobs/{digest}", .name = "blob.get",
     .permission = PERM_PULL, .resolve = distribution_resolve, .handler = distribution_blob_get,
     .doc = "Fetch a blob, whole or in ranges."},
    {.method = HTTP_DELETE, .pattern = "/v2/{name...}/blobs/{digest}", .name = "blob.delete",
     .permission = PERM_DELETE, .resolve = distribution_resolve,
     .handler = distribution_blob_delete, .doc = "Remove a blob from a repository."},
    /* end-4a, end-4b, end-4c, end-11 */
    {.method = HTTP_POST, .pattern = "/v2/{name...}/blobs/uploads/", .name = "upload.start",
     .permission = PERM_PUSH, .resolve = distribution_resolve_mount, .body = HTTP_BODY_STREAM,
     .body_max = LIMIT_BLOB, .open = distribution_upload_start_open,
     .handler = distribution_upload_start,
     .doc = "Begin an upload, push a blob in one go (digest), or mount one (mount, from)."},
    {.method = HTTP_POST, .pattern = "/v2/{name...}/blobs/uploads", .name = "upload.start.bare",
     .permission = PERM_PUSH, .resolve = distribution_resolve_mount, .body = HTTP_BODY_STREAM,
     .body_max = LIMIT_BLOB, .open = distribution_upload_start_open,
     .handler = distribution_upload_start,
     .doc = "The same, for clients that leave out the last slash."},
    /* end-5, end-6, end-13, end-14 */
    {.method = HTTP_PATCH, .pattern = "/v2/{name...}/blobs/uploads/{id}", .name = "upload.chunk",
     .permission = PERM_PUSH, .resolve = distribution_resolve, .body = HTTP_BODY_STREAM,
     .body_max = LIMIT_BLOB, .open = distribution_upload_chunk_open,
     .handler = distribution_upload_chunk, .doc = "Append bytes to an upload."},
    {.method = HTTP_PUT, .pattern = "/v2/{name...}/blobs/uploads/{id}", .name = "upload.finish",
     .permission = PERM_PUSH, .resolve = distribution_resolve, .body = HTTP_BODY_STREAM,
     .body_max = LIMIT_BLOB, .open = distribution_upload_finish_open,
     .handler = distribution_upload_finish,
     .doc = "Append the last bytes, if any, and store the blob under its digest."},
    {.method = HTTP_GET, .pattern = "/v2/{name...}/blobs/uploads/{id}", .name = "upload.status",
     .permission = PERM_PUSH, .resolve = distribution_resolve,
     .handler = distribution_upload_status, .doc = "Tell how far an upload has come."},
    {.method = HTTP_DELETE, .pattern = "/v2/{name...}/blobs/uploads/{id}", .name = "upload.cancel",
     .permission = PERM_PUSH, .resolve = distribution_resolve,
     .handler = distribution_upload_cancel, .doc = "Give up an upload and drop its bytes."},
    /* end-3, end-7, end-9 */
    {.method = HTTP_GET, .pattern = "/v2/{name...}/manifests/{reference}", .name = "manifest.get",
     .permission = PERM_PULL, .resolve = distribution_resolve,
     .handler = distribution_manifest_get, .doc = "Fetch a manifest by tag or digest."},
    {.method = HTTP_PUT, .pattern = "/v2/{name...}/manifests/{reference}", .name = "manifest.put",
     .permission = PERM_PUSH, .resolve = distribution_resolve, .body = HTTP_BODY_BUFFER,
     .body_max = LIMIT_MANIFEST, .handler = distribution_manifest_put,
     .doc = "Push a manifest under a tag or its digest; tag names further tags."},
    {.method = HTTP_DELETE, .pattern = "/v2/{name...}/manifests/{reference}",
     .name = "manifest.delete", .permission = PERM_DELETE, .resolve = distribution_resolve,
     .handler = distribution_manifest_delete, .doc = "Remove a tag, or a manifest with its tags."},
    /* end-8 */
    {.method = HTTP_GET, .pattern = "/v2/{name...}/tags/list", .name = "tag.list",
     .permission = PERM_PULL, .resolve = distribution_resolve, .handler = distribution_tags,
     .doc = "List the tags of a repository in bytewise order; n and last page, Link leads on."},
    /* end-12 */
    {.method = HTTP_GET, .pattern = "/v2/{name...}/referrers/{digest}", .name = "referrer.list",
     .permission = PERM_PULL, .resolve = distribution_resolve, .handler = distribution_referrers,
     .doc = "List what refers to a manifest; artifactType filters."},
    {.method = HTTP_GET, .pattern = "/v2/{name...}/_oci/ext/discover",
     .name = "repository.extensions.list", .permission = PERM_PULL,
     .resolve = distribution_resolve, .handler = distribution_extensions,
     .doc = "List the extensions that apply to a repository."},
};

/* Old docker clients look for it on every answer. */
static const char *const headers[] = {"Docker-Distribution-Api-Version", "registry/2.0", NULL};

const struct http_group distribution_group = {
    .prefix = "/v2/",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .headers = headers,
    .error = distribution_error,
};
