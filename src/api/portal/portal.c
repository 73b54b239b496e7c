/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources: RFC 9110 12.5.3 (Accept-Encoding), RFC 8246 (immutable), Content Security Policy level
 * 3, Trusted Types.
 */
#include "api/portal/portal.h"

#include "access/access.h"
#include "api/app.h"
#include "api/error.h"
#include "api/portal/files.h"
#include "base/mem.h"
#include "oci/display.h"

#define ASSETS "assets/"

/* What a page may do: use what came with it, ask this server, and nothing else. Styles that a
 * script sets on an element are no inline style. */
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types haven dompurify";

bool portal_there(void)
{
    return portal_files_n > 0;
}

static bool names_type(struct str accept, struct str type)
{
    while (accept.p) {
        struct str one = str_cut(&accept, ',');
        if (str_ieq(str_trim(str_cut(&one, ';')), type))
            return true;
    }
    return false;
}

static bool is_wanted(const struct http_req *rq)
{
    /* Programs say that anything will do, or name their own types. */
    return portal_there() && rq->method == HTTP_GET &&
           names_type(http_header(rq, "Accept"), STR("text/html"));
}

bool portal_redirect(struct http_req *rq)
{
    struct repo_name name;
    struct str path = str_skip(rq->raw_path, 1), trimmed = path;

    if (!is_wanted(rq))
        return false;
    if (path.n == 0) {
        http_set_header(rq, "Location", STR("/-/"));
    } else {
        while (trimmed.n && trimmed.p[trimmed.n - 1] == '/')
            trimmed.n--;
        if (display_encode(trimmed, &name, NULL) < 0)
            return false;
        if (repo_name_rest(&name).n == 0)
            http_set_headerf(rq, "Location", "/-/projects/%.*s", S(trimmed));
        else
            http_set_headerf(rq, "Location", "/-/m/%.*s", S(trimmed));
    }
    http_set_header(rq, "Vary", STR("Accept"));
    (void)http_reply_empty(rq, 302);
    return true;
}

/* ---- files ---- */

static const struct portal_file *find(struct str path)
{
    for (size_t i = 0; i < portal_files_n; i++)
        if (str_eqz(path, portal_files[i].path))
            return &portal_files[i];
    return NULL;
}

/* "q=0", "q=0.000": not welcome at all. */
static bool is_zero(struct str weight)
{
    weight = str_trim(weight);
    if (!str_starts(weight, STR("q=0")))
        return false;
    for (size_t i = strlen("q=0"); i < weight.n; i++)
        if (weight.p[i] != '0' && weight.p[i] != '.')
            return false;
    return true;
}

static bool accepts(const struct http_req *rq, const char *coding)
{
    struct str accept = http_header(rq, "Accept-Encoding");

    while (accept.p) {
        struct str weight = str_cut(&accept, ','), name = str_trim(str_cut(&weight, ';'));
        if (str_ieq(name, str_from(coding)))
            return !is_zero(weight);
    }
    return false;
}

static int send_file(struct http_req *rq, const struct portal_file *f)
{
    struct str body = f->plain;

    /* Weak: the bytes differ by their coding. */
    http_set_headerf(rq, "ETag", "W/\"%s\"", f->etag);
    http_set_header(rq, "Vary", STR("Accept-Encoding"));
    http_set_header(rq, "Cache-Control",
                    f->hashed ? STR("public, max-age=31536000, immutable") : STR("no-cache"));
    if (http_not_modified(rq, str_from(f->etag)))
        return http_reply_empty(rq, 304);
    if (f->brotli.p && accepts(rq, "br")) {
        http_set_header(rq, "Content-Encoding", STR("br"));
        body = f->brotli;
    } else if (f->gzip.p && accepts(rq, "gzip")) {
        http_set_header(rq, "Content-Encoding", STR("gzip"));
        body = f->gzip;
    }
    return http_reply(rq, 200, f->type, body);
}

/* Every address that names no file is a page, which the script in it draws. */
static int page(struct http_req *rq, struct err *e)
{
    struct str path = str_skip(rq->path, strlen("/-/"));
    const struct portal_file *f = find(path);

    if (!portal_there())
        return ERR(e, NOT_FOUND, "this program was built without the portal (-Dportal=enabled)");
    if (!f && str_starts(path, STR(ASSETS)))
        return ERR(e, NOT_FOUND, "the portal has no such file; load the page anew");
    return send_file(rq, f ? f : &portal_files[0]);
}

static void error(struct http_req *rq, const struct err *e)
{
    const struct err_info *info = err_info(e->code);
    struct buf out;

    if (rq->method == HTTP_GET && str_eqz(rq->path, "/-")) {
        http_set_header(rq, "Location", STR("/-/"));
        (void)http_reply_empty(rq, 301);
        return;
    }
    buf_init(&out, 8 * KIB);
    buf_addf(&out, "%d %s: %.*s\n", info->status, info->wire, S(api_error_message(rq, e)));
    api_error_headers(rq, e);
    (void)http_reply_buf(rq, info->status, "text/plain; charset=utf-8", &out);
}

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/-/",
     .name = "portal.home",
     .permission = PERM_PUBLIC,
     .handler = page,
     .doc = "The first page of the portal."},
    {.method = HTTP_GET,
     .pattern = "/-/{path...}",
     .name = "portal.page",
     .permission = PERM_PUBLIC,
     .handler = page,
     .doc = "A page of the portal, or a file of it."},
};

/* COOP keeps windows of other origins from holding on to this one. */
static const char *const headers[] = {
    "Content-Security-Policy",
    policy,
    "X-Frame-Options",
    "DENY",
    "Referrer-Policy",
    "same-origin",
    "Cross-Origin-Opener-Policy",
    "same-origin",
    "Permissions-Policy",
    "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    NULL,
};

const struct http_group portal_group = {
    .prefix = "/-/",
    .title = "the portal",
    .routes = routes,
    .n = ARRAY_LEN(routes),
    .headers = headers,
    .error = error,
};
