/* SPDX-License-Identifier: Apache-2.0 */
#include "server/access_log.h"

#include "api/app.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

static const char *method_name(const struct http_req *rq)
{
    static const char *const names[HTTP_METHOD_COUNT] = {
        [HTTP_GET] = "GET",     [HTTP_POST] = "POST",     [HTTP_PUT] = "PUT",
        [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
    };
    if (rq->head)
        return "HEAD";
    return rq->method < HTTP_METHOD_COUNT && names[rq->method] ? names[rq->method] : "-";
}

void access_log(struct http_req *rq)
{
    /* An error of ours is logged with its reason; one of the caller's, or that it left, only with
     * its code. */
    bool ours = rq->failed && rq->status >= 500 && rq->failed->code != ERR_CANCELLED;
    enum log_level level = ours ? LOG_ERROR : LOG_INFO;
    const struct identity *who = api_identity(rq);
    struct log_field fields[12];
    size_t n = 0;

    if (!log_enabled(level))
        return;
    fields[n++] = log_strz("method", method_name(rq));
    fields[n++] = log_str("path", rq->raw_path);
    fields[n++] = log_i64("status", rq->status);
    fields[n++] = log_u64("bytes", rq->reply_bytes);
    if (rq->body_received)
        fields[n++] = log_u64("received", rq->body_received);
    fields[n++] = log_i64("ms", (clock_mono_us() - rq->started_us) / 1000);
    fields[n++] = log_strz("route", rq->route ? rq->route->name : "-");
    if (who && who->username.n)
        fields[n++] = log_str("user", who->username);
    fields[n++] = log_str("peer", rq->peer);
    if (rq->truncated)
        fields[n++] = log_strz("end", "client left");
    if (ours)
        fields[n++] = log_err(rq->failed);
    else if (rq->failed)
        fields[n++] = log_strz("code", err_info(rq->failed->code)->symbol);
    BUG_ON(n > ARRAY_LEN(fields));
    log_context(str_from(rq->id));
    log_event(level, "http.request", fields, n);
    log_context(STR_NULL);
}
