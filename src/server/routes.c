/* SPDX-License-Identifier: Apache-2.0 */
#include "server/routes.h"

#include "base/json.h"

#include "access/access.h"
#include "api/app.h"
#include "api/contract.h"
#include "base/mem.h"
#include "http/router.h"

static const char *body_text(const struct http_route *r, char *out, size_t n)
{
    struct buf b;
    if (r->body == HTTP_BODY_NONE)
        return "none";
    buf_init(&b, n - 1);
    buf_addf(&b, "%s, up to %llu bytes", r->body == HTTP_BODY_STREAM ? "streamed" : "whole",
             (unsigned long long)r->body_max);
    memcpy(out, b.p, b.n + 1);
    buf_done(&b);
    return out;
}

void routes_write(bool markdown, struct buf *out)
{
    size_t n;
    const struct http_group *groups = api_groups(&n);
    char body[64];
    if (markdown)
        buf_addz(
            out,
            "# Routes\n\n<!-- Made by `haven routes --markdown`. -->\n\n"
            "Every address that the server answers. HEAD is answered wherever GET is, and OPTIONS "
            "everywhere.\n`{name...}` takes one or more path segments.\n");
    for (size_t i = 0; i < n; i++) {
        if (markdown)
            buf_addf(
                out,
                "\n## `%s`%s%s\n\n| Method | Path | Name | Permission | Body | What it does |\n"
                "|---|---|---|---|---|---|\n",
                groups[i].prefix, groups[i].title ? " " : "",
                groups[i].title ? groups[i].title : "");
        for (size_t k = 0; k < groups[i].n; k++) {
            const struct http_route *r = &groups[i].routes[k];
            buf_addf(out,
                     markdown ? "| %s | `%s` | `%s` | `%s` | %s | %s |\n"
                              : "%-6s %-48s %-24s %-18s %s  %s\n",
                     http_method_name(r->method), r->pattern, r->name,
                     permission_name((enum permission)r->permission),
                     body_text(r, body, sizeof(body)), r->doc);
        }
    }
}

void routes_write_json(struct buf *out)
{
    size_t n;
    const struct http_group *groups = api_groups(&n);
    struct json_writer w;
    char body[64];

    jsonw_init(&w, out);
    jsonw_list(&w);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < groups[i].n; k++) {
            const struct http_route *r = &groups[i].routes[k];
            jsonw_object(&w);
            jsonw_kstrz(&w, "method", http_method_name(r->method));
            jsonw_kstrz(&w, "path", r->pattern);
            jsonw_kstrz(&w, "name", r->name);
            jsonw_kstrz(&w, "permission", permission_name((enum permission)r->permission));
            jsonw_kstrz(&w, "event", api_failed_event(r));
            jsonw_kstrz(&w, "body", body_text(r, body, sizeof(body)));
            jsonw_kstrz(&w, "purpose", r->doc);
            const struct api_contract *c = r->contract;
            if (c && c->absent) /* the status that is all it answers */
                jsonw_ki64(&w, "absent", c->status ? c->status : 404);
            jsonw_object_done(&w);
        }
    }
    jsonw_list_done(&w);
    buf_addc(out, '\n');
}

void routes_write_openapi(struct buf *out)
{
    api_openapi_write(out);
}
