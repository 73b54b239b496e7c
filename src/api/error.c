/* SPDX-License-Identifier: Apache-2.0 */
#include "api/error.h"

#include "api/app.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"

struct str api_error_message(struct http_req *rq, const struct err *e)
{
    const struct err_info *info = err_info(e->code);
    if (info->status < 500 || e->code == ERR_UNAVAILABLE || e->code == ERR_CANCELLED ||
        e->code == ERR_CODING_UNSUPPORTED)
        return str_from(e->msg);
    LOG(ERROR, "request.failed", log_strz("request", rq->id),
        log_strz("route", rq->route ? rq->route->name : "none"), log_strz("at", e->file),
        log_i64("line", e->line), log_err(e));
    return str_from(arena_printf(&rq->arena, "%s (request %s)", info->text, rq->id));
}

void api_error_headers(struct http_req *rq, const struct err *e)
{
    int status = err_info(e->code)->status;
    if (status == 401)
        api_challenge(rq);
    /* A wrong password more is forgiven after ACCESS_THROTTLE_STEP_MS, in whole seconds. */
    if (status == 429)
        http_set_header(rq, "Retry-After", STR("2"));
    if (status == 503)
        http_set_header(rq, "Retry-After", STR("1"));
}

void api_error_reply(struct http_req *rq, const struct err *e, int status, const char *code,
                     const char *content_type)
{
    struct buf out;
    struct json_writer w;
    buf_init(&out, 64 * KIB);
    jsonw_init(&w, &out);
    jsonw_object(&w);
    jsonw_key(&w, "errors");
    jsonw_list(&w);
    jsonw_object(&w);
    jsonw_kstrz(&w, "code", code);
    jsonw_kstr(&w, "message", api_error_message(rq, e));
    jsonw_object_done(&w);
    jsonw_list_done(&w);
    jsonw_object_done(&w);
    api_error_headers(rq, e);
    (void)http_reply_buf(rq, status, content_type, &out);
}
